import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { CoreEvent, Deployment, HorizontalPodAutoscaler, Pod } from '#api/generated/types.ts';
import { deployments, horizontalPodAutoscalers, pods } from '#api/resource.ts';
import type { ApiRequest, ApiResponse } from '#api/request.ts';
import { type ControlPlane, controlPlane } from '../control-plane-fixture.ts';
import { planAutoscale } from './autoscale-plan.ts';
import { startHorizontalPodAutoscaler } from './horizontal-pod-autoscaler.ts';
import type { UsageSample } from './pod-metrics.ts';
import { ScaleHistory } from './scale-history.ts';
import { limitReplicas } from './scale-limits.ts';

const NOW = Date.UTC(2026, 0, 1, 12);
const ago = (seconds: number): string => new Date(NOW - seconds * 1000).toISOString();

interface PodInput {
  readonly cpu?: number;
  readonly memory?: number;
  readonly ready?: boolean;
  readonly age?: number;
  readonly phase?: string;
  readonly request?: object;
}

/** Pods `p0`, `p1`... that ask for half a processor and 100 Mi, and what they use, in millicores and Mi. */
function world(inputs: readonly PodInput[]): {
  readonly pods: readonly Pod[];
  readonly samples: ReadonlyMap<string, UsageSample>;
} {
  const list = inputs.map(
    ({ ready = true, age = 3600, phase = 'Running', request = { cpu: '500m', memory: '100Mi' } }, i) => ({
      metadata: { namespace: 'd', name: `p${i}` },
      spec: { containers: [{ name: 'c', resources: { requests: request } }] },
      status: {
        phase,
        startTime: ago(age),
        conditions: [{ type: 'Ready', status: ready ? 'True' : 'False', lastTransitionTime: ago(age) }],
      },
    }),
  ) as unknown as Pod[];
  const samples = inputs.flatMap(({ cpu, memory = 0 }, i): [string, UsageSample][] => {
    if (cpu === undefined) return [];
    const container = { name: 'c', cpuNanoCores: cpu * 1e6, memoryBytes: memory * 2 ** 20 };
    return [[`d/p${i}`, { at: NOW, containers: [container] }]];
  });
  return { pods: list, samples: new Map(samples) };
}

const utilization = (name: string, averageUtilization: number): object => ({
  type: 'Resource',
  resource: { name, target: { type: 'Utilization', averageUtilization } },
});
const average = (name: string, averageValue: string): object => ({
  type: 'Resource',
  resource: { name, target: { type: 'AverageValue', averageValue } },
});

function scaler(spec: object = {}): HorizontalPodAutoscaler {
  return {
    metadata: { namespace: 'd', name: 'h', uid: 'u' },
    spec: { minReplicas: 1, maxReplicas: 10, metrics: [utilization('cpu', 50)], ...spec },
  } as unknown as HorizontalPodAutoscaler;
}

const cases: readonly {
  name: string;
  pods: readonly PodInput[];
  spec?: object;
  current?: number;
  selector?: string;
  is: string;
}[] = [
  { name: 'as much as they should', pods: [{ cpu: 250 }, { cpu: 250 }], is: '2 of 2; cpu 50% 250m' },
  {
    name: 'twice as much',
    pods: [{ cpu: 500 }, { cpu: 500 }],
    is: '4 of 2, cpu resource utilization (percentage of request) above target; cpu 100% 500m',
  },
  { name: 'a little more', pods: [{ cpu: 270 }, { cpu: 270 }], is: '2 of 2; cpu 54% 270m' },
  {
    name: 'half as much',
    pods: [{ cpu: 125 }, { cpu: 125 }, { cpu: 125 }, { cpu: 125 }],
    is: '2 of 4, All metrics below target; cpu 25% 125m',
  },
  { name: 'much, one of them starting', pods: [{ cpu: 500 }, { cpu: 500, age: 5 }], is: '2 of 2; cpu 100% 500m' },
  {
    name: 'very much, one of them starting',
    pods: [{ cpu: 1000 }, { cpu: 900, age: 5, ready: false }],
    is: '4 of 2, cpu resource utilization (percentage of request) above target; cpu 200% 1',
  },
  { name: 'little, one of them silent', pods: [{ cpu: 200 }, {}], is: '2 of 2; cpu 40% 200m' },
  { name: 'much, one of them not running yet', pods: [{ cpu: 400 }, { phase: 'Pending' }], is: '2 of 2; cpu 80% 400m' },
  {
    name: 'all silent',
    pods: [{}, {}],
    is:
      '2 of 2; ScalingActive FailedGetResourceMetric: the HPA was unable to compute the replica count: failed to get ' +
      'cpu utilization: unable to get metrics for resource cpu: no metrics returned from resource metrics API',
  },
  {
    name: 'something, and ask for nothing',
    pods: [{ cpu: 100, request: {} }],
    is:
      '1 of 1; ScalingActive FailedGetResourceMetric: the HPA was unable to compute the replica count: failed to get ' +
      'cpu utilization: missing request for cpu in container c of Pod p0',
  },
  {
    name: 'more memory than they should, the other metric less',
    pods: [{ cpu: 100, memory: 80 }],
    spec: { metrics: [utilization('cpu', 50), average('memory', '40Mi')] },
    is: '2 of 1, memory resource above target; cpu 20% 100m, memory 80Mi',
  },
  {
    name: 'little, and one metric is not to be had',
    pods: [{ cpu: 10 }, { cpu: 10 }],
    spec: { metrics: [utilization('cpu', 50), { type: 'Pods', pods: { metric: { name: 'x' }, target: {} } }] },
    is:
      '2 of 2; ScalingActive FailedGetPodsMetric: the HPA was unable to compute the replica count: unable to get metric ' +
      'x: unable to fetch metrics from custom metrics API: the server could not find the requested resource',
  },
  {
    name: 'nothing, being none',
    pods: [],
    current: 0,
    is: '0 of 0; ScalingActive ScalingDisabled: scaling is disabled since the replica count of the target is zero',
  },
  {
    name: 'whatever, and nobody says which they are',
    pods: [{}],
    selector: '',
    is: "1 of 1; ScalingActive InvalidSelector: the HPA target's scale is missing a selector",
  },
  {
    name: 'whatever, being too many',
    pods: [{}],
    current: 20,
    is: '10 of 20, Current number of replicas above Spec.MaxReplicas',
  },
  {
    name: 'whatever, being too few',
    pods: [{}],
    spec: { minReplicas: 3 },
    is: '3 of 1, Current number of replicas below Spec.MinReplicas',
  },
];
for (const c of cases) {
  test(`planAutoscale() of Pods that use ${c.name}`, () => {
    const { pods: list, samples } = world(c.pods);
    const current = c.current ?? list.length;
    const down = { stabilizationWindowSeconds: 0, policies: [all] };
    const spec = { behavior: { scaleUp: { policies: [all] }, scaleDown: down }, ...c.spec };
    const plan = planAutoscale({
      scaler: scaler(spec),
      current,
      selector: c.selector ?? 'app=web',
      pods: list,
      samples,
      history: new ScaleHistory(),
      now: NOW,
    });
    const values = (plan.metrics ?? []).flatMap(({ resource }) =>
      resource === undefined
        ? []
        : [
            [
              resource.name,
              resource.current.averageUtilization === undefined ? '' : ` ${resource.current.averageUtilization}%`,
              ` ${resource.current.averageValue}`,
            ].join(''),
          ],
    );
    const failed = plan.conditions.list.filter(({ type, status }) => type === 'ScalingActive' && status === 'False');
    const shown =
      failed.length > 0
        ? failed.map(({ type, reason, message }) => `${type} ${reason}: ${message}`)
        : values.length > 0
          ? [values.join(', ')]
          : [];
    const reason = plan.rescale === undefined ? '' : `, ${plan.rescale.reason}`;
    const wanted = plan.rescale?.replicas ?? current;
    assert.equal([`${wanted} of ${current}${reason}`, ...shown].join('; '), c.is);
  });
}

const all = { type: 'Percent', value: 100, periodSeconds: 15 };
const limits: readonly {
  name: string;
  spec?: object;
  current: number;
  wanted: number;
  /** Seconds ago, and what was recommended. */
  recommended?: readonly (readonly [number, number])[];
  changed?: readonly (readonly [number, number])[];
  is: string;
}[] = [
  { name: 'in range', current: 2, wanted: 3, is: '3 ReadyForNewScale False DesiredWithinRange' },
  { name: 'much more at once', current: 1, wanted: 9, is: '4 ReadyForNewScale True ScaleUpLimit' },
  { name: 'more than the most', current: 8, wanted: 12, is: '10 ReadyForNewScale True TooManyReplicas' },
  {
    name: 'less than lately',
    current: 5,
    wanted: 2,
    recommended: [[100, 4]],
    is: '4 ScaleDownStabilized False DesiredWithinRange',
  },
  {
    name: 'less than long ago',
    current: 5,
    wanted: 2,
    recommended: [[400, 4]],
    is: '2 ReadyForNewScale False DesiredWithinRange',
  },
  {
    name: 'more than lately, with a window',
    spec: { scaleUp: { stabilizationWindowSeconds: 60, policies: [all] } },
    current: 2,
    wanted: 6,
    recommended: [[30, 3]],
    is: '3 ScaleUpStabilized False DesiredWithinRange',
  },
  {
    name: 'faster than a policy lets it',
    spec: { scaleUp: { policies: [{ type: 'Pods', value: 2, periodSeconds: 60 }] } },
    current: 4,
    wanted: 9,
    changed: [[30, 1]],
    is: '5 ReadyForNewScale True ScaleUpLimit',
  },
  {
    name: 'down faster than a policy lets it',
    spec: {
      scaleDown: { stabilizationWindowSeconds: 0, policies: [{ type: 'Percent', value: 50, periodSeconds: 60 }] },
    },
    current: 8,
    wanted: 1,
    is: '4 ReadyForNewScale True ScaleDownLimit',
  },
  {
    name: 'the least of two policies',
    spec: {
      scaleUp: {
        selectPolicy: 'Min',
        policies: [
          { type: 'Pods', value: 1, periodSeconds: 60 },
          { type: 'Percent', value: 100, periodSeconds: 60 },
        ],
      },
    },
    current: 4,
    wanted: 9,
    is: '5 ReadyForNewScale True ScaleUpLimit',
  },
  {
    name: 'down where that is forbidden',
    spec: { scaleDown: { selectPolicy: 'Disabled', stabilizationWindowSeconds: 0, policies: [all] } },
    current: 4,
    wanted: 1,
    is: '4 ReadyForNewScale True ScaleDownLimit',
  },
];
for (const c of limits) {
  test(`limitReplicas() of a wish for ${c.name}`, () => {
    const history = new ScaleHistory();
    for (const [seconds, replicas] of c.recommended ?? []) history.recommend(replicas, NOW - seconds * 1000);
    for (const [seconds, by] of c.changed ?? []) history.change(by, NOW - seconds * 1000);
    const behavior = c.spec === undefined ? {} : { behavior: c.spec };
    const { replicas, able, limited } = limitReplicas({
      scaler: scaler(behavior),
      history,
      current: c.current,
      wanted: c.wanted,
      now: NOW,
    });
    assert.equal(`${replicas} ${able.reason} ${limited.status} ${limited.reason}`, c.is);
  });
}

/** The nodes' stats and the scale of the one Deployment, which the fake server knows nothing of. */
function scaleServer(plane: ControlPlane, usage: { millicores: number }): void {
  const before = plane.api.intercept;
  plane.api.intercept = (request: ApiRequest): ApiResponse | undefined => {
    if (request.path.endsWith('/proxy/stats/summary')) {
      const time = new Date(plane.clock.now()).toISOString();
      const list = plane.pods().map(({ metadata: { namespace, name } }) => ({
        podRef: { namespace, name },
        containers: [{ name: 'c', cpu: { time, usageNanoCores: usage.millicores * 1e6 } }],
      }));
      return { kind: 'object', status: 200, body: { pods: list } };
    }
    if (request.path.endsWith('/deployments/web/scale') && request.method === 'GET') {
      const [web] = plane.api.all<Deployment>('deployments');
      const { replicas } = web?.spec ?? {};
      return { kind: 'object', status: 200, body: { spec: { replicas }, status: { selector: 'app=web' } } };
    }
    return before?.(request);
  };
}

/** A Deployment of one ready Pod, which asks for 200m. */
async function addWeb(plane: ControlPlane): Promise<void> {
  await plane.addNode('n1');
  await plane.client.create(deployments, {
    metadata: { namespace: 'd', name: 'web' },
    spec: { replicas: 1, selector: { matchLabels: { app: 'web' } }, template: {} },
  });
  const pod = await plane.client.create(pods, {
    metadata: { namespace: 'd', name: 'web-0', labels: { app: 'web' } },
    spec: { nodeName: 'n1', containers: [{ name: 'c', resources: { requests: { cpu: '200m' } } }] },
  });
  const status = {
    phase: 'Running',
    startTime: '2000-01-01T00:00:00Z',
    conditions: [{ type: 'Ready', status: 'True', lastTransitionTime: '2000-01-01T00:00:00Z' }],
  };
  await plane.client.patch(pods, pod.metadata, { kind: 'merge', body: { status } }, { subresource: 'status' });
}

async function addScaler(plane: ControlPlane, name: string): Promise<void> {
  await plane.client.create(horizontalPodAutoscalers, {
    metadata: { namespace: 'd', name },
    spec: {
      ...scaler().spec,
      scaleTargetRef: { apiVersion: 'apps/v1', kind: 'Deployment', name: 'web' },
    },
  });
}

test('a scaler follows what Pods use, and tells what it did', async () => {
  await using plane = controlPlane();
  const usage = { millicores: 100 };
  scaleServer(plane, usage);
  const patched: unknown[] = [];
  const inner = plane.api.intercept;
  plane.api.intercept = (request) => {
    if (request.path.endsWith('/scale') && request.method === 'PATCH') {
      patched.push(request.body);
      return { kind: 'object', status: 200, body: {} };
    }
    return inner?.(request);
  };
  await addWeb(plane);
  await addScaler(plane, 'h');
  await plane.start(startHorizontalPodAutoscaler);
  const shown = (): readonly string[] =>
    plane.api
      .all<HorizontalPodAutoscaler>('horizontalpodautoscalers')
      .flatMap((one) => (one.status.conditions ?? []).map(({ type, status: is, reason }) => `${type} ${is} ${reason}`));
  assert.deepEqual(shown(), [
    'AbleToScale True ReadyForNewScale',
    'ScalingActive True ValidMetricFound',
    'ScalingLimited False DesiredWithinRange',
  ]);
  assert.deepEqual(patched, []);
  usage.millicores = 190;
  await plane.clock.advance(15_000);
  await plane.rest();
  assert.equal(JSON.stringify(patched), '[{"spec":{"replicas":2}}]');
  assert.deepEqual(shown()[0], 'AbleToScale True SucceededRescale');
  const events = plane.api.all<CoreEvent>('events').map(({ reason, message }) => `${reason}: ${message}`);
  assert.deepEqual(events, [
    'SuccessfulRescale: New size: 2; reason: cpu resource utilization (percentage of request) above target',
  ]);
});

test('two scalers of the same Pods leave them alone, and say so', async () => {
  await using plane = controlPlane();
  scaleServer(plane, { millicores: 100 });
  await addWeb(plane);
  await addScaler(plane, 'h');
  await addScaler(plane, 'again');
  await plane.start(startHorizontalPodAutoscaler);
  await plane.clock.advance(15_000);
  await plane.rest();
  const active = (): readonly string[] =>
    plane.api
      .all<HorizontalPodAutoscaler>('horizontalpodautoscalers')
      .flatMap(({ metadata, status }) =>
        (status.conditions ?? [])
          .filter(({ type }) => type === 'ScalingActive')
          .map(({ status: is, message }) => `${metadata.name} ${is}: ${message}`),
      )
      .sort();
  const why = 'pods by selector app=web are controlled by multiple HPAs: [d/again d/h]';
  assert.deepEqual(active(), [`again False: ${why}`, `h False: ${why}`]);
  await plane.client.delete(horizontalPodAutoscalers, { namespace: 'd', name: 'again' });
  await plane.clock.advance(15_000);
  await plane.rest();
  const found = 'the HPA was able to successfully calculate a replica count from';
  assert.deepEqual(active(), [`h True: ${found} cpu resource utilization (percentage of request)`]);
});
