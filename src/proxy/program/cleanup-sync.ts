import { type Log } from '#base/log.ts';
import { NftablesSocket } from '#nftables/nftables-socket.ts';
import { type Family } from '#nftables/table.ts';
import { transaction } from '#nftables/transaction.ts';
import { TABLE_NAME } from '../ruleset.ts';

export interface CleanUpOptions {
  /** Also what kube-proxy left, in either of its modes. */
  readonly ofKubeProxy: boolean;
  /** Also the KUBE-* chains, which are of our iptables mode, or of kube-proxy's. */
  readonly ofIptables: boolean;
  readonly log: Log;
}

const FAMILIES: readonly Family[] = ['ip', 'ip6'];
const OF_KUBE_PROXY = 'kube-proxy';

/** Removes rules from the network namespace that this thread is in, and returns what was there. */
export async function cleanUp({ ofKubeProxy }: CleanUpOptions): Promise<readonly string[]> {
  const removed: string[] = [];
  using socket = NftablesSocket.open();
  const tables = [TABLE_NAME, ...(ofKubeProxy ? [OF_KUBE_PROXY] : [])];
  for (const family of FAMILIES) {
    for (const table of tables) if (deleteTable(socket, family, table)) removed.push(`table ${family} ${table}`);
  }
  return removed;
}

function deleteTable(socket: NftablesSocket, family: Family, table: string): boolean {
  if (socket.readTable(family, table) === undefined) return false;
  socket.commit(transaction(family, table, [{ kind: 'delete-table' }]));
  return true;
}
