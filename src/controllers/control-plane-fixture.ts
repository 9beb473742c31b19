import { ManualClock, rfc3339 } from '#base/clock.ts';
import { createLog, silentLog } from '#base/log.ts';
import type { Node, Pod } from '#api/generated/types.ts';
import type { ApiRequest, ApiResponse } from '#api/request.ts';
import * as known from '#api/resource.ts';
import { createClient } from '#client/api-client.ts';
import type { Client } from '#client/client.ts';
import { inProcessTransport } from '#client/in-process-transport.ts';
import { Informers } from '#client/informers.ts';
import { FakeApi } from '#client/testing/fake-api.ts';
import { settle } from '#client/testing/turns.ts';
import type { ControllerContext } from './controller-context.ts';

/** A fake API server with controllers on it, and hands to play the node agent with. */
export interface ControlPlane extends AsyncDisposable {
  readonly api: FakeApi;
  readonly clock: ManualClock;
  readonly client: Client;
  readonly context: ControllerContext;
  /** Starts the informers and lets everything come to rest. */
  start(...controllers: readonly ((context: ControllerContext) => void)[]): Promise<void>;
  /** Until nothing is written any more, at this instant of the clock. */
  rest(): Promise<void>;
  addNode(name: string, change?: Partial<Node>): Promise<Node>;
  /** As the node agent does once the containers run. */
  runPod(pod: Pod, ip: string, ready?: boolean): Promise<void>;
  /** The second half of a graceful deletion. */
  finishPod(pod: Pod): Promise<void>;
  pods(): readonly Pod[];
  /** Runs every Pod that has a node and finishes those on their way out, until the cluster is at rest. */
  converge(): Promise<void>;
}

const RESOURCES = Object.values(known).filter((value) => typeof value === 'object');

export function controlPlane(): ControlPlane {
  const clock = new ManualClock();
  const api = new FakeApi(clock);
  api.intercept = discovery;
  const client = createClient(inProcessTransport(api.handle, { username: 'test', groups: ['system:masters'] }));
  const log =
    process.env['TEST_LOG'] === undefined
      ? silentLog
      : createLog('test', (record) => console.error(JSON.stringify(record)));
  const informers = new Informers(client, { clock, log });
  const abort = new AbortController();
  const context = { client, informers, clock, log, signal: abort.signal };
  let addresses = 0;
  const plane: ControlPlane = {
    api,
    clock,
    client,
    context,
    async start(...controllers) {
      for (const controller of controllers) controller(context);
      informers.start(abort.signal);
      await informers.synced();
      await settle();
    },
    rest: () => settle(),
    addNode: (name, change = {}) => client.create(known.nodes, { ...newNode(name), ...change } as Node),
    async runPod(pod, ip, ready = true) {
      const conditions = [
        { type: 'Ready', status: ready ? 'True' : 'False', lastTransitionTime: rfc3339(clock.now()) },
      ];
      const status = { phase: 'Running', podIP: ip, podIPs: [{ ip }], conditions };
      const options = { subresource: 'status' };
      await client.patch(known.pods, pod.metadata, { kind: 'merge', body: { status } }, options);
    },
    async finishPod(pod) {
      await client.delete(known.pods, pod.metadata, { gracePeriodSeconds: 0 });
    },
    pods: () => api.all<Pod>('pods'),
    async converge() {
      for (let round = 0; round < 40; round++) {
        await plane.rest();
        const leaving = plane.pods().filter((pod) => pod.metadata.deletionTimestamp !== undefined);
        const waiting = plane
          .pods()
          .filter((pod) => pod.spec.nodeName !== undefined && pod.status?.podIP === undefined);
        if (waiting.length === 0 && leaving.length === 0) return;
        for (const pod of leaving) await plane.finishPod(pod);
        for (const pod of waiting) if (!leaving.includes(pod)) await plane.runPod(pod, `10.0.0.${++addresses}`);
      }
      throw new Error('never came to rest');
    },
    async [Symbol.asyncDispose]() {
      abort.abort(new Error('test ended'));
      await settle(5);
    },
  };
  return plane;
}

function newNode(name: string): object {
  return {
    metadata: { name },
    spec: {},
    status: {
      allocatable: { cpu: '4', memory: '8Gi', pods: '110' },
      conditions: [{ type: 'Ready', status: 'True' }],
    },
  };
}

/** The lists that discovery answers with, for the resources that the product knows. */
function discovery({ method, path }: ApiRequest): ApiResponse | undefined {
  if (method !== 'GET') return undefined;
  const versions = new Set(RESOURCES.map((resource) => known.apiVersionOf(resource)));
  if (path === '/apis') {
    const groups = [...versions].filter((version) => version.includes('/'));
    const body = { groups: groups.map((groupVersion) => ({ preferredVersion: { groupVersion } })) };
    return { kind: 'object', status: 200, body };
  }
  const groupVersion = path.replace(/^\/apis?\//, '');
  if (!versions.has(groupVersion)) return undefined;
  const verbs = ['create', 'delete', 'deletecollection', 'get', 'list', 'patch', 'update', 'watch'];
  const resources = RESOURCES.filter((resource) => known.apiVersionOf(resource) === groupVersion).map(
    ({ plural, kind, namespaced }) => ({ name: plural, kind, namespaced, verbs }),
  );
  return { kind: 'object', status: 200, body: { groupVersion, resources } };
}
