import { readFileSync } from 'node:fs';
import { errorCode, errorMessage } from '#base/errors.ts';
import type { IpFamily } from '#base/ip.ts';
import type { Log } from '#base/log.ts';
import { RtnetlinkSocket } from '#netlink/rtnetlink-socket.ts';
import type { NftablesSocket } from '#nftables/nftables-socket.ts';
import type { Family } from '#nftables/table.ts';
import { transaction } from '#nftables/transaction.ts';
import { IptablesCommands } from '../iptables/commands-sync.ts';
import { TABLE_NAME } from '../ruleset.ts';
import { cleanupInput } from './cleanup-input.ts';
import { openNftables } from './kernel-probe-sync.ts';

export interface CleanUpOptions {
  /** Our tables of mode nftables: a proxy that runs makes them anew, but until then nothing is translated. */
  readonly ofOurs: boolean;
  /** What kube-proxy left in its modes nftables and ipvs. */
  readonly ofKubeProxy: boolean;
  /** The KUBE-* chains, which are of our iptables mode, or of kube-proxy's. */
  readonly ofIptables: boolean;
  readonly log: Log;
}

const FAMILIES: readonly Family[] = ['ip', 'ip6'];
const OF_KUBE_PROXY = 'kube-proxy';

/** Removes rules from the network namespace that this thread is in, and returns what was there. */
export async function cleanUp(options: CleanUpOptions): Promise<readonly string[]> {
  const { ofOurs, ofKubeProxy, ofIptables, log } = options;
  const removed = deleteTables([...(ofOurs ? [TABLE_NAME] : []), ...(ofKubeProxy ? [OF_KUBE_PROXY] : [])]);
  if (ofIptables) {
    for (const family of [4, 6] as const) {
      for (const variant of ['nft', 'legacy'] as const) removed.push(...(await deleteChains(family, variant, log)));
    }
  }
  if (ofKubeProxy) removed.push(...deleteIpvs(log));
  return removed;
}

/** Where it has all cluster addresses, so that they are the machine's own. */
const IPVS_LINK = 'kube-ipvs0';
const IPVS_SERVERS = '/proc/net/ip_vs';

function deleteIpvs(log: Log): readonly string[] {
  const servers = readOr(IPVS_SERVERS).match(/^(TCP|UDP|SCTP|FWM) /gm)?.length ?? 0;
  if (servers > 0) log.warn('virtual servers of ipvs not removed', { servers, fix: 'run `ipvsadm --clear` as root' });
  using rtnetlink = RtnetlinkSocket.open();
  const link = rtnetlink.getLink(IPVS_LINK);
  if (link === undefined) return [];
  rtnetlink.deleteLink(link.index);
  return [`link ${IPVS_LINK}`];
}

function readOr(file: string): string {
  try {
    return readFileSync(file, 'utf8');
  } catch {
    return '';
  }
}

/** A machine may have both implementations, and rules of either. */
async function deleteChains(family: IpFamily, variant: 'nft' | 'legacy', log: Log): Promise<string[]> {
  const commands = new IptablesCommands(family, { variant });
  const removed: string[] = [];
  for (const table of ['nat', 'filter', 'mangle'] as const) {
    try {
      // Reading loads the modules of the legacy implementation: what was never used stays so.
      if (variant === 'legacy' && !isLoaded(family, table)) continue;
      const input = cleanupInput(table, await commands.save(table));
      if (input === undefined) continue;
      await commands.restore(input);
      removed.push(`chains KUBE-* of ${family === 4 ? 'iptables' : 'ip6tables'}-${variant} in table ${table}`);
    } catch (error) {
      if (errorCode(error) === 'ENOIPTABLES') return removed;
      log.warn('chains not removed', { table, variant, error: errorMessage(error) });
    }
  }
  return removed;
}

function isLoaded(family: IpFamily, table: string): boolean {
  return readOr(`/proc/net/ip${family === 4 ? '' : '6'}_tables_names`)
    .split('\n')
    .includes(table);
}

/** A kernel without nftables has none, and may have chains of iptables all the same. */
function deleteTables(tables: readonly string[]): string[] {
  try {
    using socket = openNftables();
    const all = FAMILIES.flatMap((family) => tables.map((table) => ({ family, table })));
    return all
      .filter(({ family, table }) => deleteTable(socket, family, table))
      .map(({ family, table }) => `table ${family} ${table}`);
  } catch (error) {
    if (errorCode(error) === 'ENFTABLES') return [];
    throw error;
  }
}

function deleteTable(socket: NftablesSocket, family: Family, table: string): boolean {
  if (socket.readTable(family, table) === undefined) return false;
  socket.commit(transaction(family, table, [{ kind: 'delete-table' }]));
  return true;
}
