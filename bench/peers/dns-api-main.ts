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

/** Versions only grow: these have ten digits, so that one takes the place of another. */
let version = 1_000_000_000;

interface Write {
  readonly bytes: Buffer;
  /** Where the version of each change is. */
  readonly versionsAt: readonly number[];
}

/**
 * Made before anybody is timed: who makes changes should not take the processor from who answers. Half of all slices lose an
 * endpoint one after the other, and get it back.
 */
function prepared(): readonly Write[] {
  const line = (n: number): string => {
    const half = SERVICES / 2;
    return `${JSON.stringify({ type: 'MODIFIED', object: changed(n % half, n < half ? 9 : 10, version) })}\n`;
  };
  return Array.from({ length: WRITES }, (_, write) => {
    const bytes = Buffer.from(Array.from({ length: TOGETHER }, (__, i) => line(write * TOGETHER + i)).join(''));
    const versionsAt: number[] = [];
    for (let at = bytes.indexOf(`${version}`); at !== -1; at = bytes.indexOf(`${version}`, at + 1)) versionsAt.push(at);
    return { bytes, versionsAt };
  });
}

function nextWrite({ bytes, versionsAt }: Write): Buffer {
  const copy = Buffer.from(bytes);
  for (const at of versionsAt) copy.write(`${++version}`, at, 'latin1');
  return copy;
}

const writes = prepared();
let rate = 0;
let sent = 0;

/** `rate N`: changes a second from now on; the number that was sent so far is told. `one I COUNT`: one change, now. */
createInterface({ input: process.stdin }).on('line', (line) => {
  const [word, first, second] = line.split(' ');
  if (word === 'rate') {
    rate = Number(first);
    process.stdout.write(`${sent}\n`);
  }
  if (word === 'one') api.change('endpointslices', 'MODIFIED', changed(Number(first), Number(second), ++version));
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
    api.send('endpointslices', nextWrite(writes[(sent / TOGETHER) % WRITES] as Write));
    sent += TOGETHER;
  }
}
