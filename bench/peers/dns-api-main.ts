/**
 * The API server of the DNS benches, a process of its own: lists and watches of a large cluster, changed when it is told. With
 * the argument `pods` it has the Pods behind the Services too.
 */
import process from 'node:process';
import { createInterface } from 'node:readline';
import { staticApi } from '../../src/dns/testing/static-api.ts';
import { systemClock } from '../../src/base/clock.ts';
import { namespaceObjects, podObject, PODS, serviceObject, SERVICES, sliceObject } from '../dns-cluster.ts';

const TICK_MS = 10;
/** Changes of a write, so that the cost of sending stays small. */
const TOGETHER = 10;
const WRITES = 1000;

const api = await staticApi({
  namespaces: namespaceObjects(),
  services: Array.from({ length: SERVICES }, (_, i) => serviceObject(i)),
  endpointslices: Array.from({ length: SERVICES }, (_, i) => sliceObject(i)),
  pods: process.argv.includes('pods') ? Array.from({ length: PODS }, (_, i) => podObject(i)) : [],
});

function changed(i: number, count: number, version: number): object {
  const object = sliceObject(i, count);
  return { ...object, metadata: { ...object.metadata, resourceVersion: `${version}` } };
}

/**
 * Made before anybody is timed: who makes changes should not take the processor from who answers. Half of all slices lose an
 * endpoint one after the other, and get it back.
 */
function prepared(): readonly Buffer[] {
  const line = (n: number): string => {
    const half = SERVICES / 2;
    const object = changed(n % half, n < half ? 9 : 10, n + 2);
    return `${JSON.stringify({ type: 'MODIFIED', object })}\n`;
  };
  return Array.from({ length: WRITES }, (_, write) =>
    Buffer.from(Array.from({ length: TOGETHER }, (__, i) => line(write * TOGETHER + i)).join('')),
  );
}

const writes = prepared();
let rate = 0;
let sent = 0;
let version = 100_000;

/** `rate N`: changes a second from now on; the number that was sent so far is told. `one I COUNT`: one change, now. */
createInterface({ input: process.stdin }).on('line', (line) => {
  const [word, first, second] = line.split(' ');
  if (word === 'rate') {
    rate = Number(first);
    process.stdout.write(`${sent}\n`);
  }
  if (word === 'one') api.change('endpointslices', 'MODIFIED', changed(Number(first), Number(second), version++));
});
process.stdin.on('end', () => process.exit(0));
process.stdout.write(`${api.url}\n`);

let due = 0;
for (let before = systemClock.monotonic(); ;) {
  await systemClock.sleep(TICK_MS);
  const now = systemClock.monotonic();
  due = rate === 0 ? 0 : due + (rate * (now - before)) / 1000;
  before = now;
  for (; due >= TOGETHER; due -= TOGETHER) {
    api.send('endpointslices', writes[(sent / TOGETHER) % WRITES] as Buffer);
    sent += TOGETHER;
  }
}
