import { watchNetlink, type NetlinkEvent } from '#netlink/event-socket.ts';
import { NETLINK_NETFILTER } from '#netlink/socket.ts';

/** enum nfnetlink_groups */
const NFNLGRP_NFTABLES = 7;

/**
 * What anybody changes in nf_tables, our own transactions included, in the network namespace that the calling thread is
 * in now. Ends when the signal aborts.
 */
export function watchNftables(signal: AbortSignal): AsyncIterable<NetlinkEvent> {
  return watchNetlink({ protocol: NETLINK_NETFILTER, groups: [NFNLGRP_NFTABLES], signal });
}
