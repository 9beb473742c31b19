/**
 * Puts the same Pods before a real kube-scheduler and before ours, each on its own API server, and prints where they go
 * elsewhere, push out others, or say something else.
 * Run: `bench/peers/build.sh kube-apiserver`, `bench/peers/build.sh kube-scheduler`, then
 * `bin/node bench/peers/scheduling.ts [WORD ...]`.
 */
import { silentLog } from '../../src/base/log.ts';
import { systemClock } from '../../src/base/clock.ts';
import { createClient } from '../../src/client/api-client.ts';
import { inProcessTransport } from '../../src/client/in-process-transport.ts';
import { Informers } from '../../src/client/informers.ts';
import { startScheduler } from '../../src/controllers/scheduler/scheduler.ts';
import type { Ask } from '../../src/apiserver/services/rules/rule-case.ts';
import { KubeApiServer, peerMissing } from './kube-apiserver.ts';
import { KubeComponent } from './kube-component.ts';
import { programMissing } from './peer-path.ts';
import { askOf, startOwnServer } from './own-server.ts';
import { podOf, type SchedulingCase, schedulingCases } from './scheduling-cases.ts';

const RANGES = ['10.96.0.0/16'];
const POLL_MS = 50;
/** What has not happened by then does not. */
const WAIT_MS = 10_000;

const PROGRAM = 'kube-scheduler';

interface Thing {
  readonly apiVersion: string;
  readonly kind: string;
  readonly metadata: { readonly name: string };
  readonly status?: object;
}

const PLURALS: Readonly<Record<string, string>> = {
  Node: '/api/v1/nodes',
  Pod: '/api/v1/namespaces/default/pods',
  PersistentVolume: '/api/v1/persistentvolumes',
  PersistentVolumeClaim: '/api/v1/namespaces/default/persistentvolumeclaims',
  StorageClass: '/apis/storage.k8s.io/v1/storageclasses',
  PriorityClass: '/apis/scheduling.k8s.io/v1/priorityclasses',
  PodDisruptionBudget: '/apis/policy/v1/namespaces/default/poddisruptionbudgets',
};
const MERGE = 'application/merge-patch+json';

async function must(ask: Ask, request: Parameters<Ask>[0]): Promise<void> {
  let answer = await ask(request);
  // What admits Pods sees a new PriorityClass a moment later.
  for (let attempt = 0; answer.status === 403 && attempt < 20; attempt++) {
    await systemClock.sleep(POLL_MS);
    answer = await ask(request);
  }
  const { status, body } = answer;
  if (status >= 300) throw new Error(`${request.method} ${request.path}: ${status} ${JSON.stringify(body)}`);
}

async function make(ask: Ask, thing: Thing): Promise<string> {
  const path = PLURALS[thing.kind] ?? '';
  const at = `${path}/${thing.metadata.name}`;
  await must(ask, { method: 'POST', path, body: thing });
  if (thing.status !== undefined) {
    await must(ask, { method: 'PATCH', path: `${at}/status`, body: { status: thing.status }, contentType: MERGE });
  }
  return at;
}

function nodeThing({ name, labels = {}, spec = {}, allocatable = {} }: SchedulingCase['nodes'][number]): Thing {
  const amounts = { cpu: '4', memory: '8Gi', pods: '10', ...allocatable };
  return {
    apiVersion: 'v1',
    kind: 'Node',
    metadata: { name, labels: { 'kubernetes.io/hostname': name, ...labels } },
    spec,
    status: { capacity: amounts, allocatable: amounts, conditions: [{ type: 'Ready', status: 'True' }] },
  } as Thing;
}

interface Seen {
  readonly metadata: { readonly name: string; readonly deletionTimestamp?: string };
  readonly spec: { readonly nodeName?: string };
  readonly status: {
    readonly nominatedNodeName?: string;
    readonly conditions?: readonly { readonly type: string; readonly status: string; readonly message?: string }[];
  };
}

/** Where the Pod goes, or who has to go for it, or why it goes nowhere. */
async function outcome(ask: Ask): Promise<string | undefined> {
  const { body } = await ask({ method: 'GET', path: PLURALS['Pod'] ?? '' });
  const { items } = body as { readonly items: readonly Seen[] };
  const subject = items.find(({ metadata }) => metadata.name === 'subject');
  if (subject?.spec.nodeName !== undefined) return `goes to ${subject.spec.nodeName}`;
  const nominated = subject?.status.nominatedNodeName ?? '';
  if (nominated !== '') {
    const victims = items.filter(({ metadata }) => metadata.deletionTimestamp !== undefined);
    if (victims.length === 0) return undefined;
    return `waits for ${nominated}, from which ${victims
      .map(({ metadata }) => metadata.name)
      .sort()
      .join(' ')} goes`;
  }
  return subject?.status.conditions?.find(({ type, status }) => type === 'PodScheduled' && status === 'False')?.message;
}

async function run(one: SchedulingCase, ask: Ask): Promise<string> {
  const made: string[] = [];
  try {
    for (const node of one.nodes) {
      const at = await make(ask, nodeThing(node));
      made.push(at);
      // What kube-apiserver puts there for a controller to take away.
      const { taints = null } = (node.spec ?? {}) as { taints?: unknown };
      await must(ask, { method: 'PATCH', path: at, body: { spec: { taints } }, contentType: MERGE });
    }
    for (const thing of one.given ?? []) made.push(await make(ask, thing as Thing));
    // Caches see all of it first.
    await systemClock.sleep(300);
    made.push(await make(ask, podOf('subject', one.pod) as Thing));
    const deadline = systemClock.monotonic() + WAIT_MS;
    for (;;) {
      const seen = await outcome(ask);
      // Victims and reasons come one after the other.
      if (seen !== undefined) {
        await systemClock.sleep(200);
        return (await outcome(ask)) ?? seen;
      }
      if (systemClock.monotonic() > deadline) return 'nothing happens';
      await systemClock.sleep(POLL_MS);
    }
  } finally {
    for (const path of made.reverse()) {
      await ask({ method: 'DELETE', path, body: { gracePeriodSeconds: 0 } });
      await ask({ method: 'PATCH', path, body: { metadata: { finalizers: null } }, contentType: MERGE });
    }
    await systemClock.sleep(200);
  }
}

const missing = peerMissing() ?? programMissing(PROGRAM);
if (missing !== undefined) {
  console.error(missing);
  process.exit(1);
}
const words = process.argv.slice(2);
const chosen = schedulingCases.filter(({ name }) => words.length === 0 || words.some((word) => name.includes(word)));
await using theirs = await KubeApiServer.start(RANGES);
await using scheduler = new KubeComponent(PROGRAM, theirs);
void scheduler;
await using ours = await startOwnServer(RANGES);
const account = { metadata: { name: 'default' } };
await theirs.ask({ method: 'POST', path: '/api/v1/namespaces/default/serviceaccounts', body: account });
const abort = new AbortController();
const user = { username: 'system:kube-scheduler', groups: ['system:masters'] };
const client = createClient(inProcessTransport((request) => ours.server.handle(request), user));
const informers = new Informers(client, { clock: systemClock, log: silentLog });
startScheduler({ client, informers, clock: systemClock, log: silentLog, signal: abort.signal });
informers.start(abort.signal);
let differences = 0;
for (const one of chosen) {
  const [there, here] = await Promise.all([run(one, theirs.ask), run(one, askOf(ours))]);
  if (there === here) continue;
  differences += 1;
  console.log(`\n${one.name}\n  kube-scheduler  ${there}\n  ours            ${here}`);
}
abort.abort();
console.log(`\n${chosen.length} cases, ${differences} differences that are not on purpose`);
process.exitCode = differences === 0 ? 0 : 1;
