/**
 * Runs in a Pod on the node's network: changes an EndpointSlice through the API and waits for the kernel to announce the
 * commit of the rule; prints the milliseconds of each round as JSON. Rounds follow one another, so that each commit has
 * one cause.
 */
import process from 'node:process';
import { endpointSlices } from '#api/resource.ts';
import { createClient } from '#client/api-client.ts';
import { httpsTransport } from '#client/https-transport.ts';
import { inClusterConnection } from '#client/kubeconfig.ts';
import { watchNetlink } from '#netlink/event-socket.ts';
import { NETLINK_NETFILTER } from '#netlink/socket.ts';

/** <linux/netfilter/nfnetlink.h>: NFNLGRP_NFTABLES. */
const NFNLGRP_NFTABLES = 7;
const WARM_UP = 10;

const connection = inClusterConnection(process.env);
if (connection === undefined) throw new Error('Cannot run: this is not a Pod');
using transport = httpsTransport(connection);
const client = createClient(transport);
const abort = new AbortController();
const commits = watchNetlink({ protocol: NETLINK_NETFILTER, groups: [NFNLGRP_NFTABLES], signal: abort.signal })[
  Symbol.asyncIterator
]();

const samples: number[] = [];
const rounds = Number(process.argv[2] ?? 100) + WARM_UP;
for (let round = 0; round < rounds; round++) {
  const address = `10.244.9.${(round % 200) + 2}`;
  const began = performance.now();
  const committed = commits.next();
  await client.patch(
    endpointSlices,
    { namespace: 'default', name: 'timed' },
    { kind: 'merge', body: { endpoints: [{ addresses: [address] }] } },
  );
  await committed;
  if (round >= WARM_UP) samples.push(performance.now() - began);
}
console.log(JSON.stringify(samples));
process.exit(0);
