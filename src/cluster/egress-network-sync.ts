import { diffTables } from '#nftables/diff.ts';
import { NftablesSocket } from '#nftables/nftables-socket.ts';
import { inNetns } from '#netlink/namespace.ts';
import { NetworkNamespace } from '#node/network-sync.ts';
import { egressRules, planEgress } from './egress-network.ts';

/**
 * Joins the fabric with the namespace `netFd` that pasta is in. When that ends, the wire and the way out go with it.
 * `inside` are the ranges that answers come back to.
 */
export function attachEgress(fabric: NetworkNamespace, netFd: number, inside: readonly string[]): void {
  using outside = new NetworkNamespace(netFd);
  const plan = planEgress(inside);
  fabric.apply(plan.wire, outside);
  outside.apply(plan.pasta);
  using nftables = inNetns(outside.fd, () => NftablesSocket.open());
  for (const table of egressRules(inside)) nftables.commit(diffTables(table, undefined));
  fabric.apply(plan.fabric);
}
