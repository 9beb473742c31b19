import { CodedError, errorCode, errorMessage } from '#base/errors.ts';
import type { IpFamily } from '#base/ip.ts';
import type { TableName } from './base-rules.ts';
import type { IptablesCommands } from './commands-sync.ts';
import { host, oneOf, rejectTarget, rememberSentTo } from './rule.ts';

interface Feature {
  readonly table: TableName;
  readonly rule: string;
  /** Of the kernel. */
  readonly module: string;
}

const CHAIN = 'CLUSTERIP-PROBE';
/** From here on iptables-restore knows `-w`, and MASQUERADE `--random-fully`. */
const OLDEST = [1, 6, 2] as const;
const OTHERWISE = 'or use mode nftables, which does not need it';

/** Everything that rules of ours are made of. */
function features(family: IpFamily): readonly Feature[] {
  const address = family === 4 ? '192.0.2.1' : '2001:db8::1';
  const backend = family === 4 ? '192.0.2.1:1' : '[2001:db8::1]:1';
  const nat = (module: string, rule: string): Feature => ({ table: 'nat', module, rule });
  const filter = (module: string, rule: string): Feature => ({ table: 'filter', module, rule });
  return [
    nat('xt_comment', '-m comment --comment "probe"'),
    nat('xt_addrtype', '-m addrtype --dst-type LOCAL'),
    nat('xt_mark', '-m mark --mark 0x4000/0x4000'),
    nat('xt_mark', '-j MARK --set-xmark 0x4000/0x4000'),
    nat('xt_statistic', oneOf(2)),
    nat('xt_recent', rememberSentTo(CHAIN, family)),
    nat('xt_tcpudp', `-d ${host(address)} -p tcp -m tcp --dport 1`),
    nat('xt_sctp', '-p sctp -m sctp --dport 1'),
    nat('xt_nat', `-p tcp -m tcp -j DNAT --to-destination ${backend}`),
    nat('xt_MASQUERADE', '-j MASQUERADE --random-fully'),
    filter('xt_conntrack', '-m conntrack --ctstate NEW'),
    filter(family === 4 ? 'ipt_REJECT' : 'ip6t_REJECT', `-j ${rejectTarget(family)}`),
  ];
}

/**
 * Finds out whether the programs are there and the kernel takes every rule that we may make, by making them.
 * @throws CodedError `ENOIPTABLES`, `EIPTABLES`, with what to do
 */
export async function probeIptables(commands: IptablesCommands): Promise<void> {
  const version = await commands.version();
  if (isOlder(version)) {
    throw new CodedError('EIPTABLES', `Cannot use ${version}: it is older than ${OLDEST.join('.')}`, {
      hint: 'install a later iptables, or use mode nftables',
    });
  }
  const wanted = features(commands.family);
  if (await isTaken(commands, wanted)) return;
  for (const { table, module, rule } of wanted) {
    try {
      await commands.restore(probe([{ table, module, rule }]));
    } catch (error) {
      if (isLocked(error)) throw error;
      const message = `Cannot use iptables: the kernel takes no rule "${rule}": ${errorMessage(error)}`;
      throw new CodedError('EIPTABLES', message, { hint: `run \`modprobe ${module}\` as root, ${OTHERWISE}` });
    } finally {
      await commands.restore(cleanUp([{ table, module, rule }])).catch(() => {});
    }
  }
}

async function isTaken(commands: IptablesCommands, wanted: readonly Feature[]): Promise<boolean> {
  try {
    await commands.restore(probe(wanted));
  } catch (error) {
    if (isLocked(error)) throw error;
    return false;
  }
  await commands.restore(cleanUp(wanted));
  return true;
}

/** That says nothing of the kernel. */
function isLocked(error: unknown): boolean {
  return errorCode(error) === 'EXTABLESLOCK';
}

function probe(wanted: readonly Feature[]): string {
  return inTables(wanted, (own) => [`:${CHAIN} - [0:0]`, ...own.map(({ rule }) => `-A ${CHAIN} ${rule}`)]);
}

function cleanUp(wanted: readonly Feature[]): string {
  return inTables(wanted, () => [`:${CHAIN} - [0:0]`, `-X ${CHAIN}`]);
}

function inTables(wanted: readonly Feature[], lines: (own: readonly Feature[]) => readonly string[]): string {
  return (['filter', 'nat'] as const)
    .map((table) => [table, wanted.filter((one) => one.table === table)] as const)
    .filter(([, own]) => own.length > 0)
    .map(([table, own]) => [`*${table}`, ...lines(own), 'COMMIT', ''].join('\n'))
    .join('');
}

function isOlder(version: string): boolean {
  const parts = /v(\d+)\.(\d+)\.(\d+)/.exec(version)?.slice(1).map(Number);
  if (parts === undefined) return false;
  const at = OLDEST.findIndex((number, i) => number !== parts[i]);
  return at >= 0 && (parts[at] ?? 0) < (OLDEST[at] ?? 0);
}
