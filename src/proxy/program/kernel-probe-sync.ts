import { CodedError, errorCode, errorMessage } from '#base/errors.ts';
import type { IpFamily } from '#base/ip.ts';
import type { Log } from '#base/log.ts';
import { diffTables } from '#nftables/diff.ts';
import { NftablesSocket } from '#nftables/nftables-socket.ts';
import { concat, ct, fib, map, meta, numgen, payload } from '#nftables/expression.ts';
import { dnat, dynset, masquerade, matchFlags, matchValue, reject, type Statement } from '#nftables/statement.ts';
import { chain, rule, type Hook, type SetDeclaration, type Table } from '#nftables/table.ts';
import type { Transaction } from '#nftables/transaction.ts';
import type { ProxyConfig } from '../config/proxy-config.ts';
import { priorityOf, type Pick } from '../pick.ts';
import { ruleset } from '../ruleset.ts';
import { rulesetTable } from '../ruleset-table.ts';
import type { RulesetSettings } from '../settings.ts';

/** Why the kernel would refuse a transaction; undefined when it would take it. */
export type Check = (transaction: Transaction) => Error | undefined;

interface Feature {
  readonly name: string;
  readonly modules: string;
  readonly table: Table;
}

const NAME = 'clusterip-probe';

/**
 * Finds out whether the kernel takes rules as ours, without making any.
 * @throws CodedError `EPERM`; `ENFTABLES` naming all that is missing, with what to do
 */
export function probeNftables(family: IpFamily, settings: RulesetSettings, check: Check): void {
  const error = check(diffTables(wholeTable(family, settings), undefined));
  if (error === undefined) return;
  if (error instanceof CodedError && error.code === 'EPERM') throw noPermission(error);
  const missing = features(family).filter(({ table }) => check(diffTables(table, undefined)) !== undefined);
  const names = missing.map(({ name }) => name);
  const modules = [...new Set(missing.flatMap((one) => one.modules.split(' ')))];
  const what = missing.length === 0 ? error.message : `the kernel lacks ${names.join(', ')}`;
  const load = modules.length === 0 ? '' : `load them with \`modprobe -a ${modules.join(' ')}\` as root, `;
  throw new CodedError('ENFTABLES', `Cannot use mode nftables for IPv${family}: ${what}`, {
    hint: `${load}use a kernel of 5.13 or later that has them, or use --mode iptables`,
    cause: error,
  });
}

/** @throws CodedError `ENFTABLES` where the kernel has no nftables at all */
export function openNftables(): NftablesSocket {
  let socket: NftablesSocket | undefined;
  try {
    socket = NftablesSocket.open();
    socket.generation();
    return socket;
  } catch (error) {
    socket?.[Symbol.dispose]();
    if (errorCode(error) === 'EPERM') throw noPermission(error);
    throw new CodedError(
      'ENFTABLES',
      `Cannot use mode nftables: the kernel does not have it (${errorMessage(error)})`,
      {
        hint: 'load it with `modprobe nf_tables` as root, use a kernel of 5.13 or later, or use --mode iptables',
        cause: error,
      },
    );
  }
}

function noPermission(cause: unknown): CodedError {
  return new CodedError('EPERM', 'Cannot program rules: that takes CAP_NET_ADMIN in this network namespace', {
    hint: 'run as root, or give the container the capability NET_ADMIN',
    cause,
  });
}

/** Everything that we may ever program, with a chain of each kind. */
function wholeTable(family: IpFamily, settings: RulesetSettings): Table {
  const rules = ruleset(family);
  const pick = (timeout: number, number: number): Pick => ({
    plane: 'address',
    list: 'all',
    backends: 2,
    timeout,
    priority: priorityOf('address', 'all', 2, number),
  });
  return { ...rulesetTable(rules, settings, [pick(0, 0), pick(10_800, 1)]), name: NAME };
}

function features(family: IpFamily): readonly Feature[] {
  const own = family === 4 ? 'ip' : 'ip6';
  const destination = payload(family === 4 ? 'ip daddr' : 'ip6 daddr');
  const port = payload('th dport');
  const backends: SetDeclaration = {
    kind: 'map',
    name: 'backends',
    key: concat(destination, meta('l4proto'), port, numgen('random', 2)),
    data: concat(destination, port),
  };
  const clients: SetDeclaration = {
    kind: 'map',
    name: 'clients',
    key: destination,
    data: meta('priority'),
    size: 65_535,
    flags: ['dynamic', 'timeout'],
    timeoutSeconds: 10_800,
  };
  const nat = (hook: Hook['hook']): Hook => ({ type: 'nat', hook, priority: -100 });
  const filter: Hook = { type: 'filter', hook: 'input', priority: 0 };
  const feature = (
    name: string,
    modules: string,
    hook: Hook | undefined,
    statements: readonly Statement[] = [],
    sets: readonly SetDeclaration[] = [],
  ): Feature => {
    const only = chain('probe', statements.length === 0 ? [] : [rule(statements)], hook === undefined ? {} : { hook });
    const contents = sets.map((declaration) => ({ declaration }));
    return { name, modules, table: { kind: 'table', family: own, name: NAME, sets: contents, chains: [only] } };
  };
  const remember = dynset('update', clients.name, destination, { data: meta('priority'), timeoutSeconds: 60 });
  return [
    feature('nftables', 'nf_tables', undefined),
    feature('filter chains', 'nf_tables', filter),
    feature('NAT chains', 'nft_chain_nat', nat('prerouting')),
    feature('maps of several fields', 'nf_tables', undefined, [], [backends]),
    feature('maps that rules write to', 'nf_tables', undefined, [remember], [clients]),
    feature(
      'random numbers',
      'nft_numgen',
      nat('prerouting'),
      [dnat(own, map(backends.key, 'backends'), { withPort: true })],
      [backends],
    ),
    feature('states of connections', 'nft_ct', filter, [matchFlags(ct('state'), 'invalid')]),
    feature('kinds of addresses', `nft_fib nft_fib_ipv${family}`, filter, [matchValue(fib('daddr', 'type'), 'local')]),
    feature('rejecting', `nft_reject nft_reject_ipv${family}`, filter, [reject('port-unreachable')]),
    feature('masquerading', 'nft_masq', { type: 'nat', hook: 'postrouting', priority: 100 }, [
      masquerade({ fullyRandom: true }),
    ]),
  ];
}

export interface FamiliesOptions {
  /** The node's primary address, where it was given. */
  readonly nodeAddress: ProxyConfig['nodeAddress'];
  /** The kernel has IPv6 at all. */
  readonly hasIpv6: boolean;
  /** Throws, or rejects, where rules of the family cannot be made. */
  readonly probe: (family: IpFamily) => void | Promise<void>;
  readonly log: Log;
}

/** The families that rules can be made for: both where the kernel can, as upstream. One is enough, IPv4 or the node's. */
export async function probeFamilies({
  nodeAddress,
  hasIpv6,
  probe,
  log,
}: FamiliesOptions): Promise<readonly IpFamily[]> {
  const wanted: readonly IpFamily[] = hasIpv6 ? [4, 6] : [4];
  const primary = nodeAddress?.family ?? 4;
  const possible: IpFamily[] = [];
  for (const family of wanted) {
    try {
      await probe(family);
      possible.push(family);
    } catch (error) {
      if (family === primary || errorCode(error) === 'EPERM') throw error;
      log.warn('one family only', { error: errorMessage(error) });
    }
  }
  return possible;
}
