/**
 * Our controllers play the scenes of `workload-scenes` on our API server, and everything looks as it does with
 * kube-controller-manager on kube-apiserver, which `bench/peers/workloads.ts` has recorded.
 */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import test from 'node:test';
import { allScenes } from './workload-scenes/all-scenes.ts';
import { compareOutcomes } from './workload-scenes/compare.ts';
import { playOwn } from './workload-scenes/own-stage.ts';
import type { SceneOutcome } from './workload-scenes/scene.ts';

const file = join(import.meta.dirname, 'workload-scenes', 'expected.json');
const expected = JSON.parse(readFileSync(file, 'utf8')) as Readonly<Record<string, SceneOutcome>>;

test('every scene has been recorded', () => {
  assert.deepEqual(Object.keys(expected).sort(), allScenes.map(({ name }) => name).sort());
});

for (const scene of allScenes) {
  test(scene.name, { timeout: 60_000 }, async () => {
    const outcome = expected[scene.name] ?? { acts: {}, events: [] };
    assert.deepEqual(compareOutcomes(outcome, await playOwn(scene)), []);
  });
}
