/** `npm run bench`: every benchmark of this folder, one after the other, so that they do not disturb each other. */
import { spawnSync } from 'node:child_process';
import process from 'node:process';
import { fileURLToPath } from 'node:url';

const BENCHES = [
  'cluster.ts',
  'pods.ts',
  'store.ts',
  'proxy.ts',
  'endpoint-slice.ts',
  'dns.ts',
  'dns-headless.ts',
  'rolling.ts',
];

let failed = 0;
for (const bench of BENCHES) {
  console.log(`\n== ${bench}`);
  const done = spawnSync(process.execPath, [...process.execArgv, fileURLToPath(new URL(bench, import.meta.url))], {
    stdio: 'inherit',
  });
  if (done.status !== 0) failed++;
}
process.exit(failed === 0 ? 0 : 1);
