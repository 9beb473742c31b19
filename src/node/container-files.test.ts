import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { test } from 'node:test';
import type { Pod } from '#api/generated/types.ts';
import { silentLog } from '#base/log.ts';
import { removeOldRuns } from './container-files-agent.ts';

test('removeOldRuns() keeps the run that begins, the log of the one before, and what other containers have', async () => {
  const stateDir = mkdtempSync(`${tmpdir()}/clusterip-runs-`);
  try {
    const pod = { metadata: { namespace: 'ns', name: 'p', uid: 'u' } } as Pod;
    for (const run of ['c-2', 'c-3', 'd-2'])
      mkdirSync(`${stateDir}/pods/u/containers/${run}/upper`, { recursive: true });
    const logs = `${stateDir}/logs/ns_p_u/c`;
    mkdirSync(logs, { recursive: true });
    for (const log of ['1.log', '1.log.1', '2.log', '2.log.1', '3.log']) writeFileSync(`${logs}/${log}`, log);
    await removeOldRuns({ stateDir, log: silentLog }, pod, 'c', 3);
    assert.deepEqual(readdirSync(`${stateDir}/pods/u/containers`).sort(), ['c-3', 'd-2']);
    assert.deepEqual(readdirSync(logs).sort(), ['2.log', '2.log.1', '3.log']);
  } finally {
    rmSync(stateDir, { recursive: true });
  }
});
