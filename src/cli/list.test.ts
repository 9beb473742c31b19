import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import process from 'node:process';
import test from 'node:test';
import { prepareState } from '#cluster/prepare.ts';
import { processStart } from '#cluster/process-table.ts';
import { writeRunInfo } from '#cluster/state-dir.ts';
import { CommandHome } from './testing/command-home.ts';

/** Clusters in every condition; those that run are run by the test itself. */
function homeOfAll(): CommandHome {
  const home = new CommandHome();
  const holderStart = processStart(process.pid) ?? assert.fail();
  const info = { pid: 0, holderPid: process.pid, holderStart, apiPort: 6443, startedAt: '2026-01-01T00:00:00Z' };
  prepareState(home.stateDir('default'), { nodes: 3 });
  writeRunInfo(home.stateDir('default'), info);
  for (const name of ['killed', 'new', 'old']) prepareState(home.stateDir(name), { name });
  writeRunInfo(home.stateDir('new'), { ...info, apiPort: 0 });
  writeRunInfo(home.stateDir('killed'), { ...info, holderStart: '1' });
  prepareState(home.stateDir('later'), { name: 'later' });
  writeFileSync(home.stateDir('later').configFile, '{"format": 2}');
  return home;
}

test('list as a table', async () => {
  using home = homeOfAll();
  const root = `${home.path}/state/clusterip`;
  const later = `unreadable: Cannot use the data directory "${root}/later": it has format 2, and this version knows 1`;
  const status = (text: string): string => text.padEnd(later.length);
  assert.deepEqual(await home.run(['list']), {
    code: 0,
    stderr: '',
    stdout: `NAME      ${status('STATUS')}   NODES   SERVER                   DATA
default   ${status('running')}   3       https://127.0.0.1:6443   ${root}/default
killed    ${status('stopped')}   1       -                        ${root}/killed
later     ${later}   -       -                        ${root}/later
new       ${status('starting')}   1       -                        ${root}/new
old       ${status('stopped')}   1       -                        ${root}/old
`,
  });
});

test('list as JSON', async () => {
  using home = homeOfAll();
  const root = `${home.path}/state/clusterip`;
  const { code, stdout, stderr } = await home.run(['list', '--output=json']);
  assert.deepEqual([code, stderr], [0, '']);
  assert.deepEqual(JSON.parse(stdout), [
    { name: 'default', status: 'running', nodes: 3, server: 'https://127.0.0.1:6443', dataDir: `${root}/default` },
    { name: 'killed', status: 'stopped', nodes: 1, dataDir: `${root}/killed` },
    {
      name: 'later',
      status: `unreadable: Cannot use the data directory "${root}/later": it has format 2, and this version knows 1`,
      dataDir: `${root}/later`,
    },
    { name: 'new', status: 'starting', nodes: 1, dataDir: `${root}/new` },
    { name: 'old', status: 'stopped', nodes: 1, dataDir: `${root}/old` },
  ]);
});

test('where there are no clusters a program reads an empty list and a person a sentence', async () => {
  using home = new CommandHome();
  assert.deepEqual(await home.run(['list', '--output', 'json']), { code: 0, stdout: '[]\n', stderr: '' });
  assert.deepEqual(await home.run(['list']), {
    code: 0,
    stdout: '',
    stderr: 'There are no clusters; start one with clusterip up.\n',
  });
});
