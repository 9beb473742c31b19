/**
 * Plays the scenes of `test/workload-scenes` to a real kube-controller-manager on a real kube-apiserver and to our
 * controllers on our server, and prints where the objects or the events are others. `--record` writes theirs into
 * `expected.json`, which `test/workload-scenes.test.ts` goes by.
 * Run: `bench/peers/build.sh kube-apiserver`, `bench/peers/build.sh kube-controller-manager`, then
 * `bin/node bench/peers/workloads.ts [--record] [WORD ...]`. About five minutes.
 */
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { systemClock } from '../../src/base/clock.ts';
import { allScenes, playScene, prepareNodes, renewNodes } from '../../test/workload-scenes/all-scenes.ts';
import { playOwn } from '../../test/workload-scenes/own-stage.ts';
import { compareOutcomes } from '../../test/workload-scenes/compare.ts';
import type { Scene, SceneOutcome } from '../../test/workload-scenes/scene.ts';
import type { Pace } from '../../test/workload-scenes/stage.ts';
import { KubeApiServer, peerMissing } from './kube-apiserver.ts';
import { KubeComponent } from './kube-component.ts';
import { programMissing } from './peer-path.ts';

const AT_ONCE = 10;
const EXPECTED = join(import.meta.dirname, '../../test/workload-scenes/expected.json');
const PROGRAM = 'kube-controller-manager';

const pace: Pace = {
  turn: () => systemClock.sleep(150),
  pass: (ms) => systemClock.sleep(ms),
  now: () => systemClock.now(),
  // Its controllers collect changes for a second.
  quietTurns: 18,
};

async function playTheirs(scenes: readonly Scene[]): Promise<ReadonlyMap<string, SceneOutcome>> {
  await using server = await KubeApiServer.start(['10.96.0.0/16']);
  await using manager = new KubeComponent(PROGRAM, server);
  void manager;
  await prepareNodes(server.ask);
  const abort = new AbortController();
  const beat = async (): Promise<void> => {
    while (!abort.signal.aborted) {
      await renewNodes(server.ask, systemClock.now());
      await systemClock.sleep(5000);
    }
  };
  const beating = beat();
  const outcomes = new Map<string, SceneOutcome>();
  const waiting = [...scenes.entries()];
  const work = async (): Promise<void> => {
    for (let next = waiting.shift(); next !== undefined; next = waiting.shift()) {
      const [index, scene] = next;
      outcomes.set(scene.name, await playScene(scene, server.ask, pace, `scene-${String(index).padStart(2, '0')}`));
      console.error(`${outcomes.size}/${scenes.length} ${scene.name}`);
    }
  };
  await Promise.all(Array.from({ length: AT_ONCE }, work));
  abort.abort();
  await beating;
  return outcomes;
}

const missing = peerMissing() ?? programMissing(PROGRAM);
if (missing !== undefined) {
  console.error(missing);
  process.exit(1);
}
const words = process.argv.slice(2).filter((word) => !word.startsWith('--'));
const scenes = allScenes.filter(({ name }) => words.length === 0 || words.some((word) => name.includes(word)));
const theirs = await playTheirs(scenes);
if (process.argv.includes('--record')) {
  const before = existsSync(EXPECTED) ? (JSON.parse(readFileSync(EXPECTED, 'utf8')) as object) : {};
  const known = new Set(allScenes.map(({ name }) => name));
  const all = Object.entries({ ...before, ...Object.fromEntries(theirs) }).filter(([name]) => known.has(name));
  all.sort(([a], [b]) => (a < b ? -1 : 1));
  writeFileSync(EXPECTED, `${JSON.stringify(Object.fromEntries(all), null, 2)}\n`);
}
let differences = 0;
for (const scene of scenes) {
  const expected = theirs.get(scene.name) ?? { acts: {}, events: [] };
  const found = compareOutcomes(expected, await playOwn(scene));
  if (found.length === 0) continue;
  differences += 1;
  console.log(`\n${scene.name}\n${found.join('\n')}`);
}
console.log(`\n${scenes.length} scenes, ${differences} with differences`);
process.exitCode = differences === 0 ? 0 : 1;
