import assert from 'node:assert/strict';
import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import process from 'node:process';
import test, { after } from 'node:test';
import { ownBalancerRanges } from './address-ranges.ts';
import { DEFAULT_CONFIG, type ClusterConfig } from './config.ts';
import { prepareState } from './prepare.ts';
import { processStart } from './process-table.ts';
import { readConfig, stateDirAt, writeConfig, writeRunInfo, type StateDir } from './state-dir.ts';

const root = mkdtempSync(join(tmpdir(), 'clusterip-prepare-'));
after(() => rmSync(root, { recursive: true }));
let count = 0;
/** The place for a state directory; it is not there yet. */
const newDir = (): StateDir => stateDirAt(join(root, String((count += 1)), 'state'));

/** What a new cluster is when nothing is asked for. */
const defaults = (dir: StateDir): ClusterConfig => ({
  ...DEFAULT_CONFIG,
  loadBalancerCidr: ownBalancerRanges(dir.path, [4]),
});

test('a new cluster gets what was asked for and the defaults', () => {
  const dir = newDir();
  const config = prepareState(dir, { name: 'web', nodes: 3 });
  assert.deepEqual(config, { ...defaults(dir), name: 'web', nodes: 3 });
  assert.deepEqual(readConfig(dir), config);
  assert.deepEqual(readdirSync(dir.path), ['cluster.json']);
});

const chosen: readonly (readonly [Partial<ClusterConfig>, service: string, pod: string, balancers: RegExp])[] = [
  [{ serviceCidr: 'fd01::/112' }, 'fd01::/112', 'fd00:10:244::/56', /^fd00:127::7f[4-9a-b][0-9a-f]:[0-9a-f]+\/120$/],
  [
    { podCidr: '10.9.0.0/16,fd02::/56' },
    '10.96.0.0/12,fd00:10:96::/112',
    '10.9.0.0/16,fd02::/56',
    /^127\..*,fd00:127:/,
  ],
  [{ loadBalancerCidr: 'none' }, '10.96.0.0/12', '10.244.0.0/16', /^none$/],
];
for (const [asked, service, pod, balancers] of chosen) {
  test(`${JSON.stringify(asked)}: the ranges that nobody chose are of the same families`, () => {
    const { serviceCidr, podCidr, loadBalancerCidr } = prepareState(newDir(), asked);
    assert.deepEqual([serviceCidr, podCidr], [service, pod]);
    assert.match(loadBalancerCidr, balancers);
  });
}

test('a cluster made before there were load balancers gets addresses for them', () => {
  const dir = newDir();
  const { loadBalancerCidr, staticClusterIps, ...old } = prepareState(dir, {});
  writeConfig(dir, old as ClusterConfig);
  assert.deepEqual(prepareState(dir, {}), { ...old, loadBalancerCidr, staticClusterIps });
});

test('a cluster that is started again is what it was, but for what is asked now and may change', () => {
  const dir = newDir();
  prepareState(dir, { name: 'web', nodes: 3, serviceCidr: '10.0.0.0/16', apiPort: 7001 });
  const again = prepareState(dir, {});
  assert.deepEqual(again, { ...defaults(dir), name: 'web', nodes: 3, serviceCidr: '10.0.0.0/16', apiPort: 7001 });
  const changed = prepareState(dir, { nodes: 1, apiPort: 7002, serviceCidr: '10.0.0.0/16' });
  assert.deepEqual(changed, { ...again, nodes: 1, leaving: ['node-2', 'node-3'], apiPort: 7002 });
  assert.deepEqual(readConfig(dir), changed);
});

test('a node that is no longer asked for leaves, unless it is asked for again', () => {
  const dir = newDir();
  const leaving = [4, 2, 1, 3, 4].map((nodes) => prepareState(dir, { nodes }).leaving?.join(' '));
  assert.deepEqual(leaving, [undefined, 'node-3 node-4', 'node-3 node-4 node-2', 'node-4', undefined]);
});

const changes: readonly (readonly [Partial<ClusterConfig>, string])[] = [
  [{ serviceCidr: '10.0.0.0/16' }, '--service-cidr of cluster "default" from 10.96.0.0/12 to 10.0.0.0/16'],
  [{ podCidr: '10.0.0.0/16' }, '--pod-cidr of cluster "default" from 10.244.0.0/16 to 10.0.0.0/16'],
];

for (const [asked, change] of changes) {
  test(`no change of ${change}`, () => {
    const dir = newDir();
    prepareState(dir, {});
    assert.throws(() => prepareState(dir, { ...asked, nodes: 2 }), {
      code: 'ECONFIG',
      message: `Cannot change ${change}: its objects use it`,
      hint: 'start another with --name, or start afresh after clusterip down --purge',
    });
    assert.deepEqual(readConfig(dir), defaults(dir));
  });
}

const bad: readonly Partial<ClusterConfig>[] = [
  { name: 'No' },
  { nodes: 0 },
  { serviceCidr: '10.244.0.0/20' },
  { podCidr: '10.96.0.0/16' },
];

for (const asked of bad) {
  test(`${JSON.stringify(asked)} is refused, for a new cluster and for one that is there, and nothing is written`, () => {
    const dir = newDir();
    assert.throws(() => prepareState(dir, asked), { code: 'EUSAGE' });
    assert.equal(existsSync(dir.path), false);
    prepareState(dir, {});
    assert.throws(() => prepareState(dir, asked), { code: asked.nodes === 0 ? 'EUSAGE' : 'ECONFIG' });
    assert.deepEqual([readConfig(dir), readdirSync(dir.path)], [defaults(dir), ['cluster.json']]);
  });
}

test('a cluster that runs is not prepared again; one whose daemon is gone is', () => {
  const dir = newDir();
  prepareState(dir, { name: 'web' });
  const holderStart = processStart(process.pid) ?? assert.fail();
  const info = { pid: 0, holderPid: process.pid, holderStart, apiPort: 1, startedAt: '' };
  writeRunInfo(dir, info);
  assert.throws(() => prepareState(dir, { nodes: 2 }), {
    code: 'ERUNNING',
    message: 'Cannot start cluster "web": it is already running',
    hint: 'use it as it is, stop it with clusterip down, or start another with --name',
  });
  assert.equal(readConfig(dir)?.nodes, 1);
  writeRunInfo(dir, { ...info, holderStart: '1' });
  assert.equal(prepareState(dir, { nodes: 2 }).nodes, 2);
});

const foreign: readonly (readonly [string, string, string])[] = [
  ['of a later version', '{"format": 2, "config": {}}', 'ESTATEVERSION'],
  ['that is broken', '{"format": 1', 'ESTATEDIR'],
];

for (const [what, text, code] of foreign) {
  test(`a directory ${what} is left as it is`, () => {
    const dir = newDir();
    mkdirSync(dir.path, { recursive: true });
    writeFileSync(dir.configFile, text);
    assert.throws(() => prepareState(dir, {}), { code });
    assert.deepEqual([readdirSync(dir.path), readFileSync(dir.configFile, 'utf8')], [['cluster.json'], text]);
  });
}

test('a directory with other files in it is left as it is', () => {
  const dir = newDir();
  mkdirSync(dir.path, { recursive: true });
  writeFileSync(join(dir.path, 'thesis.txt'), 'years of work');
  assert.throws(() => prepareState(dir, {}), { code: 'ESTATEDIR' });
  assert.deepEqual(readdirSync(dir.path), ['thesis.txt']);
});
