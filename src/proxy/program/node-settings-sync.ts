import { readFileSync, writeFileSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import type { Cidr } from '#base/cidr.ts';
import { errorCode, errorMessage } from '#base/errors.ts';
import type { Log } from '#base/log.ts';
import { readSysctl, writeSysctl } from '#netlink/sysctl.ts';
import { conntrackSysctls, hashBuckets, type SysctlStep } from '../config/conntrack-sysctls.ts';
import type { ProxyConfig } from '../config/proxy-config.ts';
import { includesOneOf } from '../node-view.ts';

/**
 * Settings of the kernel that the rules count on. One that cannot be written, mostly because /proc/sys is read-only in a
 * container, is named with what it should be: Services work without most of them.
 */
export function applyNodeSettings(config: ProxyConfig, log: Log): void {
  for (const step of conntrackSysctls(config.conntrack, availableParallelism())) apply(step, log);
  raiseBuckets(hashBuckets(config.conntrack, availableParallelism()), log);
  if (hasLocalhostNodePorts(config)) apply({ name: 'net.ipv4.conf.all.route_localnet', value: 1 }, log);
  try {
    writeFileSync('/proc/self/oom_score_adj', `${config.oomScoreAdj}\n`);
  } catch (error) {
    log.debug('oom_score_adj not set', { error: errorMessage(error) });
  }
}

/**
 * Where 127.0.0.1 is no place for NodePorts, the kernel is left as strict as it is. In mode iptables `primary` means so, as in
 * kube-proxy; in mode nftables it is the default, which has them all the same.
 */
export function hasLocalhostNodePorts({ mode, localhostNodePorts, nodePortAddresses }: ProxyConfig): boolean {
  if (!localhostNodePorts || nodePortAddresses === undefined) return localhostNodePorts;
  if (nodePortAddresses === 'primary') return mode === 'nftables';
  return nodePortAddresses.some((range) => includesOneOf([range], ['127.0.0.0']) || isLoopback(range));
}

/** As the kernel is, whoever made it so, and whether it could be made so. */
export function isConntrackLiberal(): boolean {
  try {
    return readSysctl('net.netfilter.nf_conntrack_tcp_be_liberal') === '1';
  } catch {
    return false;
  }
}

function isLoopback({ family, base }: Cidr): boolean {
  return family === 4 && base >> 24n === 127n;
}

const BUCKETS = '/sys/module/nf_conntrack/parameters/hashsize';

/** The table stays as it is in network namespaces other than the first, to which the kernel does not let us change it. */
function raiseBuckets(wanted: number, log: Log): void {
  if (wanted === 0) return;
  try {
    const now = Number(readFileSync(BUCKETS, 'utf8'));
    if (now >= wanted) return;
    writeFileSync(BUCKETS, String(wanted));
    log.info('set size of the connection table', { file: BUCKETS, value: wanted, before: now });
  } catch (error) {
    const isForeign = errorCode(error) === 'EOPNOTSUPP' || errorCode(error) === 'ENOTSUP';
    log[isForeign ? 'debug' : 'warn']('size of the connection table not set', {
      file: BUCKETS,
      value: wanted,
      error: errorMessage(error),
      fix: `write ${wanted} there on the node`,
    });
  }
}

function apply({ name, value, onlyRaises }: SysctlStep, log: Log): void {
  try {
    const now = Number(readSysctl(name));
    if (now === value || (onlyRaises === true && now > value)) return;
    writeSysctl(name, value);
    log.info('set sysctl', { name, value, before: now });
  } catch (error) {
    log.warn('sysctl not set', {
      name,
      value,
      error: errorMessage(error),
      fix: `run \`sysctl -w ${name}=${value}\` on the node, or give the container a writable /proc/sys`,
    });
  }
}
