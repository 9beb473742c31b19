import type {
  HorizontalPodAutoscaler,
  HorizontalPodAutoscalerCondition,
  HorizontalPodAutoscalerStatus,
  MetricSpec,
  MetricStatus,
  MetricTarget,
  MetricValueStatus,
  Pod,
} from '#api/generated/types.ts';
import { errorMessage } from '#base/errors.ts';
import { rfc3339 } from '#base/clock.ts';
import { canonicalQuantity, parseQuantity, quantityMillis } from '#api/quantity.ts';
import { metricsOf, type UsageSample } from './pod-metrics.ts';
import {
  byAverage,
  byUtilization,
  type CalculationInput,
  type Proposal,
  type Tolerances,
} from './replica-calculation.ts';
import type { ScaleHistory } from './scale-history.ts';
import { limitReplicas } from './scale-limits.ts';

export interface ScalerNews {
  readonly type: 'Normal' | 'Warning';
  readonly reason: string;
  readonly message: string;
}

export interface AutoscaleInput {
  readonly scaler: HorizontalPodAutoscaler;
  /** Of the target, as it is to be. */
  readonly current: number;
  /** Which Pods are the target's, as text; empty where it does not say. */
  readonly selector: string;
  /** The names of all scalers that select one of the Pods, this one among them. */
  readonly selecting?: readonly string[];
  readonly pods: readonly Pod[];
  /** By the key of the Pod. */
  readonly samples: ReadonlyMap<string, UsageSample>;
  readonly history: ScaleHistory;
  readonly now: number;
}

export interface AutoscalePlan {
  /** Undefined where the target stays as it is. */
  readonly rescale: { readonly replicas: number; readonly reason: string } | undefined;
  readonly desired: number;
  readonly metrics: readonly MetricStatus[] | undefined;
  readonly conditions: Conditions;
  readonly news: readonly ScalerNews[];
}

/** Upstream's --horizontal-pod-autoscaler-tolerance. */
const TOLERANCE = 0.1;

/** How large the target should be. Models reconcileAutoscaler of v1.34 (pkg/controller/podautoscaler/horizontal.go). */
export function planAutoscale(input: AutoscaleInput): AutoscalePlan {
  const { scaler, current, history, now } = input;
  const { minReplicas = 1, maxReplicas } = scaler.spec;
  const conditions = new Conditions(scaler.status?.conditions ?? [], now);
  conditions.set(
    'AbleToScale',
    'True',
    'SucceededGetScale',
    "the HPA controller was able to get the target's current scale",
  );
  history.begin(current, now);
  const stay = { rescale: undefined, desired: current, metrics: undefined, conditions, news: [] };
  if (current === 0 && minReplicas !== 0) {
    const message = 'scaling is disabled since the replica count of the target is zero';
    conditions.set('ScalingActive', 'False', 'ScalingDisabled', message);
    return { ...stay, desired: 0 };
  }
  const size = (replicas: number, reason: string): AutoscalePlan => ({
    ...stay,
    rescale: { replicas, reason },
    desired: replicas,
  });
  if (current > maxReplicas) return size(maxReplicas, 'Current number of replicas above Spec.MaxReplicas');
  if (current < minReplicas) return size(minReplicas, 'Current number of replicas below Spec.MinReplicas');
  const unclear = unclearSelector(input);
  if (unclear === undefined) return byMetrics(input, conditions);
  const { condition, why, event, message } = unclear;
  conditions.set('ScalingActive', 'False', condition, why);
  const news: ScalerNews[] = [
    { type: 'Warning', reason: event, message },
    { type: 'Warning', reason: 'FailedComputeMetricsReplicas', message },
  ];
  return { ...stay, desired: scaler.status?.desiredReplicas ?? current, news };
}

interface UnclearSelector {
  readonly condition: string;
  readonly why: string;
  readonly event: string;
  readonly message: string;
}

/** What keeps the Pods of the target from being known as this scaler's alone. */
function unclearSelector({ scaler, selector, selecting = [] }: AutoscaleInput): UnclearSelector | undefined {
  if (selector === '') {
    const why = "the HPA target's scale is missing a selector";
    return { condition: 'InvalidSelector', why, event: 'SelectorRequired', message: 'selector is required' };
  }
  if (selecting.length < 2) return undefined;
  const reason = 'AmbiguousSelector';
  const keys = selecting.map((name) => `${scaler.metadata.namespace}/${name}`).join(' ');
  const message = `pods by selector ${selector} are controlled by multiple HPAs: [${keys}]`;
  return { condition: reason, why: message, event: reason, message };
}

function byMetrics(input: AutoscaleInput, conditions: Conditions): AutoscalePlan {
  const { scaler, current, history, now } = input;
  const specs = scaler.spec.metrics ?? [];
  const results = specs.map((spec) => measure(spec, input));
  const metrics = results.map((result) => ('status' in result ? result.status : { type: '' }));
  const valid = results.filter((result) => 'proposal' in result);
  const failed = results.filter((result) => 'failure' in result);
  const news: ScalerNews[] = failed.map(({ reason, failure }) => ({ type: 'Warning', reason, message: failure }));
  const best = valid.reduce<(typeof valid)[number] | undefined>(
    (most, one) => (most === undefined || one.proposal.replicas > most.proposal.replicas ? one : most),
    undefined,
  );
  const [first] = failed;
  // A metric that cannot be had keeps the target from becoming smaller.
  if (best === undefined || (first !== undefined && best.proposal.replicas < current)) {
    const why = `the HPA was unable to compute the replica count: ${first?.failure}`;
    conditions.set('ScalingActive', 'False', first?.reason ?? '', why);
    const message = `invalid metrics (${failed.length} invalid out of ${specs.length}), first error is: ${first?.wrapped}`;
    news.push({ type: 'Warning', reason: 'FailedComputeMetricsReplicas', message });
    return { rescale: undefined, desired: scaler.status?.desiredReplicas ?? current, metrics, conditions, news };
  }
  const found = `the HPA was able to successfully calculate a replica count from ${best.name}`;
  conditions.set('ScalingActive', 'True', 'ValidMetricFound', found);
  const wanted = best.proposal.replicas;
  const { replicas, able, limited } = limitReplicas({ scaler, history, current, wanted, now });
  conditions.set('AbleToScale', 'True', able.reason, able.message);
  conditions.set('ScalingLimited', limited.status, limited.reason, limited.message);
  const reason = wanted > current ? `${best.name} above target` : 'All metrics below target';
  const rescale = replicas === current ? undefined : { replicas, reason };
  return { rescale, desired: replicas, metrics, conditions, news };
}

type Measured =
  | { readonly name: string; readonly proposal: Proposal; readonly status: MetricStatus }
  /** `reason` of the event and the condition; `wrapped` is what becomes of it in the error of the whole. */
  | { readonly reason: string; readonly failure: string; readonly wrapped: string };

function measure(spec: MetricSpec, input: AutoscaleInput): Measured {
  const source = spec.resource ?? spec.containerResource;
  if (source === undefined) return unavailable(spec);
  const container = spec.containerResource?.container;
  const { target, name } = source;
  try {
    const given: Omit<CalculationInput, 'metrics'> = {
      pods: input.pods,
      resource: name,
      container,
      replicas: input.current,
      tolerances: tolerancesOf(input.scaler),
      now: input.now,
    };
    const metrics = attempt(target, name, () => metricsOf(input.pods, input.samples, name, container));
    const { proposal, label } = propose({ ...given, metrics }, target, container !== undefined);
    const current = valueOf(proposal, name);
    const status: MetricStatus =
      container === undefined
        ? { type: 'Resource', resource: { name, current } }
        : { type: 'ContainerResource', containerResource: { name, container, current } };
    return { name: label, proposal, status };
  } catch (error) {
    const failure = errorMessage(error);
    if (container === undefined) {
      const wrapped = `failed to get ${name} resource metric value: ${failure}`;
      return { reason: 'FailedGetResourceMetric', failure, wrapped };
    }
    const wrapped = `failed to get ${container} container metric value: ${failure}`;
    return { reason: 'FailedGetContainerResourceMetric', failure, wrapped };
  }
}

/** Runs `work` and says of its failure what it was for. */
function attempt<T>(target: MetricTarget, resource: string, work: () => T): T {
  try {
    return work();
  } catch (error) {
    const what = target.averageValue === undefined ? 'utilization' : 'usage';
    throw new Error(`failed to get ${resource} ${what}: ${errorMessage(error)}`, { cause: error });
  }
}

function propose(
  input: CalculationInput,
  target: MetricTarget,
  ofContainer: boolean,
): { readonly proposal: Proposal; readonly label: string } {
  const { averageValue, averageUtilization } = target;
  const { resource } = input;
  if (averageValue !== undefined) {
    const proposal = attempt(target, resource, () => byAverage(input, quantityMillis(averageValue)));
    return { proposal: { ...proposal, utilization: undefined }, label: `${resource} resource` };
  }
  if (averageUtilization === undefined) {
    throw new Error(
      'invalid resource metric source: neither an average utilization target nor an average value (usage) target was set',
    );
  }
  const proposal = attempt(target, resource, () => byUtilization(input, averageUtilization));
  const kind = ofContainer ? 'container resource' : 'resource';
  return { proposal, label: `${resource} ${kind} utilization (percentage of request)` };
}

/** No server of other metrics is known here. */
function unavailable(spec: MetricSpec): Measured {
  const [reason, failure, what] =
    spec.external !== undefined
      ? ['FailedGetExternalMetric', `unable to get external metric ${spec.external.metric.name}`, 'external']
      : spec.object !== undefined
        ? ['FailedGetObjectMetric', `unable to get metric ${spec.object.metric.name}`, 'object']
        : ['FailedGetPodsMetric', `unable to get metric ${spec.pods?.metric.name ?? ''}`, 'pods'];
  const api = spec.external === undefined ? 'custom' : 'external';
  const text = `${failure}: unable to fetch metrics from ${api} metrics API: the server could not find the requested resource`;
  return { reason: reason ?? '', failure: text, wrapped: `failed to get ${what} metric value: ${text}` };
}

function valueOf({ average, utilization }: Proposal, resource: string): MetricValueStatus {
  const averageValue =
    resource === 'memory' && average % 1000 === 0
      ? canonicalQuantity(`${average / 1024_000}Ki`)
      : canonicalQuantity(`${average}m`);
  return { ...(utilization === undefined ? {} : { averageUtilization: utilization }), averageValue };
}

function tolerancesOf({ spec: { behavior } }: HorizontalPodAutoscaler): Tolerances {
  const of = (text: string | undefined): number =>
    text === undefined ? TOLERANCE : Number(parseQuantity(text).nanos) / 1e9;
  return { up: of(behavior?.scaleUp?.tolerance), down: of(behavior?.scaleDown?.tolerance) };
}

/** Conditions by type, in the order they were first set. */
export class Conditions {
  #list: readonly HorizontalPodAutoscalerCondition[];
  readonly #now: string;

  constructor(before: readonly HorizontalPodAutoscalerCondition[], now: number) {
    this.#list = before;
    this.#now = rfc3339(now);
  }

  get list(): readonly HorizontalPodAutoscalerCondition[] {
    return this.#list;
  }

  set(type: string, status: 'True' | 'False', reason: string, message: string): void {
    const before = this.#list.find((condition) => condition.type === type);
    const lastTransitionTime = before?.status === status ? before.lastTransitionTime : this.#now;
    const next = { type, status, lastTransitionTime, reason, message };
    this.#list =
      before === undefined
        ? [...this.#list, next]
        : this.#list.map((condition) => (condition === before ? next : condition));
  }
}

/** `metrics` undefined keeps what was measured last out of the status, as upstream does when it did not measure. */
export function scalerStatus(
  { status }: HorizontalPodAutoscaler,
  current: number,
  { desired, metrics, conditions, rescale }: AutoscalePlan,
  now: number,
): HorizontalPodAutoscalerStatus {
  const lastScaleTime = rescale === undefined ? status?.lastScaleTime : rfc3339(now);
  return {
    // A count of none is left out, as the API has it.
    ...(current === 0 ? {} : { currentReplicas: current }),
    desiredReplicas: desired,
    ...(lastScaleTime === undefined ? {} : { lastScaleTime }),
    currentMetrics: metrics ?? null,
    conditions: conditions.list,
  } as HorizontalPodAutoscalerStatus;
}
