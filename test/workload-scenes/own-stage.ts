import { ManualClock } from '../../src/base/clock.ts';
import { silentLog } from '../../src/base/log.ts';
import { TestServer } from '../../src/apiserver/testing/test-server.ts';
import type { Ask } from '../../src/apiserver/services/rules/rule-case.ts';
import { createClient } from '../../src/client/api-client.ts';
import { inProcessTransport } from '../../src/client/in-process-transport.ts';
import { Informers } from '../../src/client/informers.ts';
import { settle } from '../../src/client/testing/turns.ts';
import { startCronJobController } from '../../src/controllers/cron-job/cron-job.ts';
import { startDaemonSetController } from '../../src/controllers/daemon-set/daemon-set.ts';
import { startDeploymentController } from '../../src/controllers/deployment/deployment.ts';
import { startDisruptionBudgetController } from '../../src/controllers/disruption/disruption-budget.ts';
import { startGarbageCollector } from '../../src/controllers/garbage/garbage-collector.ts';
import { startHorizontalPodAutoscaler } from '../../src/controllers/autoscaler/horizontal-pod-autoscaler.ts';
import { startJobController } from '../../src/controllers/job/job.ts';
import { startNamespaceController } from '../../src/controllers/namespace/namespace.ts';
import { startNodeLifecycleController } from '../../src/controllers/node/node-lifecycle.ts';
import { startPersistentVolumeController } from '../../src/controllers/volume/persistent-volume.ts';
import { startPodGarbageCollector } from '../../src/controllers/node/pod-gc.ts';
import {
  startReplicaSetController,
  startReplicationController,
} from '../../src/controllers/replica-set/replica-set.ts';
import { startResourceQuotaController } from '../../src/controllers/resource-quota.ts';
import { startServiceAccountController } from '../../src/controllers/service-account.ts';
import { startStatefulSetController } from '../../src/controllers/stateful-set/stateful-set.ts';
import { startTaintEvictionController } from '../../src/controllers/node/taint-eviction.ts';
import { startVolumeProtection } from '../../src/controllers/volume/volume-protection.ts';
import { playScene, prepareNodes, renewNodes } from './all-scenes.ts';
import type { Scene, SceneOutcome } from './scene.ts';
import type { Pace } from './stage.ts';

const TURN_MS = 100;
const RENEW_MS = 10_000;
const user = { username: 'system:kube-controller-manager', groups: ['system:masters'] };

/** Our controllers on our API server, by a clock that goes as fast as they do. */
export async function playOwn(scene: Scene): Promise<SceneOutcome> {
  const clock = new ManualClock();
  await using server = await TestServer.start({ clock });
  const abort = new AbortController();
  const client = createClient(inProcessTransport((request) => server.server.handle(request), user));
  const informers = new Informers(client, { clock, log: silentLog });
  const context = { client, informers, clock, log: silentLog, signal: abort.signal };
  const ask: Ask = async (request) => {
    const answer = await pumped(clock, server.send(request));
    if (answer.kind !== 'object') throw new TypeError(`not an object: ${answer.kind}`);
    return { status: answer.status, body: JSON.parse(answer.text ?? JSON.stringify(answer.body)), warnings: [] };
  };
  for (const name of ['kube-system', 'kube-node-lease']) {
    await ask({ method: 'POST', path: '/api/v1/namespaces', body: { metadata: { name } } });
  }
  await prepareNodes(ask);
  const starters = [
    startReplicaSetController,
    startReplicationController,
    startDeploymentController,
    startStatefulSetController,
    startDaemonSetController,
    startJobController,
    startCronJobController,
    startNamespaceController,
    startNodeLifecycleController,
    startTaintEvictionController,
    startPodGarbageCollector,
    startDisruptionBudgetController,
    startHorizontalPodAutoscaler,
    startPersistentVolumeController,
    startVolumeProtection,
    startResourceQuotaController,
  ];
  for (const start of starters) start(context);
  startServiceAccountController(context, 'certificate');
  informers.start(abort.signal);
  await Promise.all([startGarbageCollector(context), informers.synced()]);
  const turn = async (): Promise<void> => {
    await settle(15);
    await clock.advance(TURN_MS);
    await settle(15);
  };
  let renewed = clock.now();
  await renewNodes(ask, renewed);
  const pace: Pace = {
    turn,
    async pass(ms) {
      for (let left = ms; left > 0; left -= 1000) {
        if (clock.now() - renewed >= RENEW_MS) {
          renewed = clock.now();
          await renewNodes(ask, renewed);
        }
        await clock.advance(Math.min(1000, left));
        await settle(15);
      }
    },
    now: () => clock.now(),
    quietTurns: 12,
  };
  try {
    return await playScene(scene, ask, pace, 'scene-00');
  } finally {
    abort.abort(new Error('the scene is over'));
    await settle(5);
  }
}

/** What the server waits for before it answers may need time to go by. */
async function pumped<T>(clock: ManualClock, work: Promise<T>): Promise<T> {
  const state = { isDone: false };
  const ended = work.finally(() => {
    state.isDone = true;
  });
  ended.catch(() => {});
  for (let i = 0; i < 10_000 && !state.isDone; i++) {
    await settle(3);
    if (!state.isDone) await clock.advance(10);
  }
  return ended;
}
