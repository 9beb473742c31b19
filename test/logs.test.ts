/** What kubectl gets of the output of a Pod's containers, over their runs, and how it joins a Pod that runs. */
import assert from 'node:assert/strict';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import test from 'node:test';
import { modes } from './testing/mode.ts';
import { TestCluster } from './testing/test-cluster.ts';

/** Writes two lines and ends; the second run stays. */
const TWICE =
  'echo run $(ls /runs | wc -l); touch /runs/$$-$(date +%s%N); [ $(ls /runs | wc -l) -gt 1 ] && sleep infinity; exit 3';

const twice = JSON.stringify({
  apiVersion: 'v1',
  kind: 'Pod',
  metadata: { name: 'twice' },
  spec: {
    terminationGracePeriodSeconds: 0,
    volumes: [{ name: 'runs', emptyDir: {} }],
    containers: [
      { name: 'c', image: 'host', command: ['sh', '-c', TWICE], volumeMounts: [{ name: 'runs', mountPath: '/runs' }] },
    ],
  },
});

const lines = 'i=0; while [ $i -lt 5 ]; do echo line $i; i=$((i+1)); done; sleep infinity';

for (const { mode, skip } of modes()) {
  test(`logs, debug, cp and port-forward of real Pods, as ${mode}`, { skip, timeout: 120_000 }, async () => {
    await using cluster = await TestCluster.start({ mode });
    await cluster.apply(twice);
    await cluster.kubectl('run', 'lines', '--image=host', '--', 'sh', '-c', lines);
    await cluster.kubectl('wait', '--for=condition=Ready', 'pod/lines', 'pod/twice', '--timeout=60s');
    await cluster.kubectl('wait', '--for=jsonpath={.status.containerStatuses[0].restartCount}=1', 'pod/twice');

    assert.equal(await cluster.kubectl('logs', 'twice'), 'run 1\n');
    assert.equal(await cluster.kubectl('logs', 'twice', '--previous'), 'run 0\n');
    assert.equal(await cluster.kubectl('logs', 'lines', '--tail=2'), 'line 3\nline 4\n');
    assert.equal(await cluster.kubectl('logs', 'lines', '--since=1h', '--limit-bytes=6'), 'line 0');
    assert.equal(await cluster.kubectl('logs', 'lines', '--since-time=2999-01-01T00:00:00Z'), '');
    assert.match(await cluster.kubectl('logs', 'lines', '--timestamps', '--tail=1'), /^\d{4}-\d\d-\d\dT\S+Z line 4\n$/);
    const none = await cluster.try(['logs', 'lines', '--previous']);
    assert.match(none.stderr, /previous terminated container "lines" in pod "lines" not found/);

    const debug = [
      'debug',
      'lines',
      '--image=host',
      '--target=lines',
      '-c',
      'dbg',
      '--',
      'sh',
      '-c',
      'tr "\\0" " " </proc/1/cmdline',
    ];
    await cluster.kubectl(...debug);
    const ended = '--for=jsonpath={.status.ephemeralContainerStatuses[0].state.terminated.exitCode}=0';
    await cluster.kubectl('wait', ended, 'pod/lines', '--timeout=60s');
    assert.match(await cluster.kubectl('logs', 'lines', '-c', 'dbg'), /^sh -c i=0/);

    const source = join(cluster.home.path, 'tree');
    mkdirSync(source);
    writeFileSync(join(source, 'file'), 'copied\n');
    await cluster.kubectl('cp', source, 'lines:/tmp/tree');
    assert.equal(await cluster.kubectl('exec', 'lines', '--', 'cat', '/tmp/tree/file'), 'copied\n');
    await cluster.kubectl('exec', 'lines', '--', 'sh', '-c', 'echo back > /tmp/tree/other');
    await cluster.kubectl('cp', 'lines:/tmp/tree/other', join(cluster.home.path, 'other'));
    assert.equal(readFileSync(join(cluster.home.path, 'other'), 'utf8'), 'back\n');
  });
}
