/**
 * From a write to the API to the rule in the kernel, through `clusterip proxy` over HTTPS, with many Services and 100
 * changes a second: when the kernel announces the commit that holds the new endpoint.
 *
 *     bin/node bench/write-to-kernel.ts [services, default 10000] [changes, default 1000]
 */
import process from 'node:process';
import { systemClock } from '#base/clock.ts';
import { isolateTestFile } from '#netlink/isolated-test.ts';
import { watchNetlink } from '#netlink/event-socket.ts';
import { inNetns, settleInOwnNetns } from '#netlink/namespace.ts';
import { NETLINK_NETFILTER } from '#netlink/socket.ts';
import { ProxyNode, until } from '../src/cli/testing/proxy-node.ts';

isolateTestFile();
settleInOwnNetns();

/** <linux/netfilter/nfnetlink.h>: NFNLGRP_NFTABLES. */
const NFNLGRP_NFTABLES = 7;
const PER_SECOND = 100;
const WARM_UP = 100;
const LAST_MS = 5000;
const services = Number(process.argv[2] ?? 10_000);
const changes = Number(process.argv[3] ?? 1000);
const SLICES = '/apis/discovery.k8s.io/v1/namespaces/default/endpointslices';

await using node = await ProxyNode.create();
await node.startServer({ serviceCidrs: [{ family: 4, base: 0x0a600000n, prefix: 12 }] });
await node.addNode('a');
const { server } = node;
for (let i = 0; i < services; i++) {
  const name = `svc-${i}`;
  await server.post('/api/v1/namespaces/default/services', { metadata: { name }, spec: { ports: [{ port: 80 }] } });
  await server.post(SLICES, {
    metadata: { name, labels: { 'kubernetes.io/service-name': name } },
    addressType: 'IPv4',
    ports: [{ port: 8080, protocol: 'TCP' }],
    endpoints: [`10.200.${i >> 8}.${i & 255}`, `10.201.${i >> 8}.${i & 255}`].map((address) => ({
      addresses: [address],
    })),
  });
}
const proxy = node.proxy('--kubeconfig', await node.kubeconfig(), '--node-name', 'a');
await until('ready', () => proxy.stderr().includes('rules follow the cluster'));

/** By the address that a change brings, as the bytes that are in the kernel's announcement. */
const waiting = new Map<string, number>();
const times: number[] = [];
const ending = new AbortController();
const events = inNetns(node.network.node, () =>
  watchNetlink({ protocol: NETLINK_NETFILTER, groups: [NFNLGRP_NFTABLES], signal: ending.signal }),
);
const listening = (async () => {
  for await (const event of events) {
    if (event.kind === 'lost') throw new Error('announcements were lost');
    for (const { payload } of event.messages) {
      const text = Buffer.from(payload).toString('latin1');
      for (const [address, began] of waiting) {
        if (!text.includes(address)) continue;
        times.push(systemClock.monotonic() - began);
        waiting.delete(address);
      }
    }
  }
})();

const began = systemClock.monotonic();
const writes: Promise<unknown>[] = [];
for (let change = 0; change < changes + WARM_UP; change++) {
  const wait = began + (change / PER_SECOND) * 1000 - systemClock.monotonic();
  if (wait > 0) await systemClock.sleep(wait);
  const index = (change * 7919) % services;
  const [third, fourth] = [change >> 8, change & 255];
  waiting.set(String.fromCharCode(10, 210, third, fourth), systemClock.monotonic());
  const endpoints = [`10.200.${index >> 8}.${index & 255}`, `10.210.${third}.${fourth}`].map((address) => ({
    addresses: [address],
  }));
  writes.push(server.patch(`${SLICES}/svc-${index}`, 'merge', { endpoints }));
}
await Promise.all(writes);
for (const end = systemClock.monotonic() + LAST_MS; waiting.size > 0 && systemClock.monotonic() < end;)
  await systemClock.sleep(10);
ending.abort();
await listening;
if (waiting.size > 0) throw new Error(`${waiting.size} changes did not come to the kernel`);
const sorted = times.slice(WARM_UP).sort((a, b) => a - b);
const at = (part: number): string => (sorted[Math.floor(part * (sorted.length - 1))] ?? Number.NaN).toFixed(2);
console.log(
  `${services} Services, ${PER_SECOND} changes/s: p50 ${at(0.5)} ms, p99 ${at(0.99)} ms, ${sorted.length} changes`,
);
process.exitCode = 0;
