import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import process from 'node:process';
import { CodedError, errorCode } from '#base/errors.ts';

/** The namespaces that hold a whole cluster; see docs/adr/0002. */
const NAMESPACES = ['--mount', '--pid', '--uts', '--ipc', '--fork', '--mount-proc', '--kill-child=SIGKILL'];
const ROOTLESS = ['--user', '--map-root-user', ...NAMESPACES];

/**
 * Arguments of util-linux' `unshare` that give us the namespaces we need: as root directly, else inside a user namespace.
 * @throws CodedError with what to do where neither works.
 */
export function unshareArguments(): readonly string[] {
  const attempts = process.getuid?.() === 0 ? [NAMESPACES, ROOTLESS] : [ROOTLESS];
  let output = '';
  for (const flags of attempts) {
    const probe = spawnSync('unshare', [...flags, '--net', '/bin/sh', '-c', ':'], { encoding: 'utf8' });
    if (errorCode(probe.error) === 'ENOENT') {
      throw new CodedError('ENOUNSHARE', 'Cannot find the command "unshare"', { hint: 'install util-linux' });
    }
    if (probe.status === 0) return flags;
    output = probe.stderr.trim();
  }
  throw new CodedError('ENONAMESPACES', `Cannot create namespaces: ${output}`, { hint: namespaceHint() });
}

function namespaceHint(): string {
  const sysctl = (name: string): string | undefined => {
    try {
      return readFileSync(`/proc/sys/${name}`, 'utf8').trim();
    } catch {
      return undefined;
    }
  };
  const kinds = ['user', 'mnt', 'net', 'pid', 'uts', 'ipc'];
  const off = kinds.find((kind) => sysctl(`user/max_${kind}_namespaces`) === '0');
  if (off !== undefined) {
    const name = `user.max_${off}_namespaces`;
    const otherwise = off === 'user' ? ', or run clusterip as root' : '';
    return `${off} namespaces are switched off: run \`sysctl -w ${name}=15000\` as root${otherwise}`;
  }
  if (sysctl('kernel/unprivileged_userns_clone') === '0') {
    return 'user namespaces are switched off for ordinary users: run `sysctl -w kernel.unprivileged_userns_clone=1` as root, or run clusterip as root';
  }
  if (sysctl('kernel/apparmor_restrict_unprivileged_userns') === '1') {
    return 'AppArmor restricts user namespaces: run `sysctl -w kernel.apparmor_restrict_unprivileged_userns=0` as root, or run clusterip as root';
  }
  return 'the system forbids it: in a container, start that with --privileged; elsewhere run clusterip as root';
}
