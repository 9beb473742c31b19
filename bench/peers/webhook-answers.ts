/**
 * Plays the scenes with webhooks on a real kube-apiserver and prints where it answers, or asks, something else than
 * `scenes.json` has; `--record` writes what it says into that file.
 * Run: `bench/peers/build.sh kube-apiserver`, then `bin/node bench/peers/webhook-answers.ts [--record]`.
 */
import { writeFileSync } from 'node:fs';
import expected from '../../src/apiserver/admission/webhook/testdata/scenes.json' with { type: 'json' };
import { playScene, webhookScenes } from '../../src/apiserver/testing/webhook-scenes.ts';
import { WebhookServer } from '../../src/apiserver/testing/webhook-server.ts';
import { systemClock } from '../../src/base/clock.ts';
import { KubeApiServer, peerMissing } from './kube-apiserver.ts';

const EXPECTED = new URL('../../src/apiserver/admission/webhook/testdata/scenes.json', import.meta.url);
/** Until it goes by a new configuration. */
const HEARD_MS = 400;

const missing = peerMissing();
if (missing !== undefined) {
  console.error(missing);
  process.exit(1);
}
await using server = await WebhookServer.start();
await using theirs = await KubeApiServer.start(['10.96.0.0/16']);
const before = expected as Readonly<Record<string, readonly string[]>>;
const said: Record<string, readonly string[]> = {};
let differences = 0;
for (const scene of webhookScenes) {
  const lines = await playScene(scene, { ask: theirs.ask, server, heard: () => systemClock.sleep(HEARD_MS) });
  said[scene.name] = lines;
  if (JSON.stringify(lines) === JSON.stringify(before[scene.name])) continue;
  differences += 1;
  console.log(`\n${scene.name}\n  upstream  ${lines.join('\n            ')}`);
}
if (process.argv.includes('--record')) writeFileSync(EXPECTED, `${JSON.stringify(said, undefined, 2)}\n`);
console.log(`\n${webhookScenes.length} scenes, ${differences} differences`);
