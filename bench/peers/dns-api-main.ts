/** The API server of the DNS bench, a process of its own: lists and watches of a large cluster, changed when it is told. */
import process from 'node:process';
import { createInterface } from 'node:readline';
import { staticApi } from '../../src/dns/testing/static-api.ts';
import { systemClock } from '../../src/base/clock.ts';
import { namespaceObjects, serviceObject, SERVICES, sliceObject } from '../dns-cluster.ts';

const api = await staticApi({
  namespaces: namespaceObjects(),
  services: Array.from({ length: SERVICES }, (_, i) => serviceObject(i)),
  endpointslices: Array.from({ length: SERVICES }, (_, i) => sliceObject(i)),
  pods: [],
});
process.stdout.write(`${api.url}\n`);

let rate = 0;
let version = 2;

function change(i: number, count: number): void {
  const object = sliceObject(i, count);
  const metadata = { ...object.metadata, resourceVersion: `${version++}` };
  api.change('endpointslices', 'MODIFIED', { ...object, metadata });
}

/** `rate N`: changes a second from now on. `one I COUNT`: one change, now. */
createInterface({ input: process.stdin }).on('line', (line) => {
  const [word, first, second] = line.split(' ');
  if (word === 'rate') rate = Number(first);
  if (word === 'one') change(Number(first), Number(second));
});
process.stdin.on('end', () => process.exit(0));

for (let i = 0; ;) {
  await systemClock.sleep(10);
  for (const end = i + rate / 100; i < end; i++) change(i % SERVICES, 10 - (i % 2));
}
