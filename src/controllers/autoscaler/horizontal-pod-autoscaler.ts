import { errorMessage } from '#base/errors.ts';
import type { HorizontalPodAutoscaler, Pod } from '#api/generated/types.ts';
import { type KubeObject, objectKey } from '#api/object.ts';
import { matchesLabels } from '#api/label-selector.ts';
import { parseLabelSelector } from '#api/label-selector-parser.ts';
import {
  deployments,
  horizontalPodAutoscalers,
  nodes,
  pods,
  replicaSets,
  replicationControllers,
  type Resource,
  resourcePath,
  statefulSets,
} from '#api/resource.ts';
import { discoverResources } from '#client/discovery.ts';
import type { EventRecorder } from '#client/events.ts';
import type { Informer } from '#client/informer.ts';
import { type ControllerContext, createControllerQueue, ignoreNotFound, recorderFor } from '../controller-context.ts';
import { mergeDiff } from '../merge-diff.ts';
import { Conditions, planAutoscale, scalerStatus } from './autoscale-plan.ts';
import { samplesOf, type UsageSample } from './pod-metrics.ts';
import { ScaleHistory } from './scale-history.ts';

/** Upstream's --horizontal-pod-autoscaler-sync-period. */
const PERIOD_MS = 15_000;
const BY_NAMESPACE = 'pods/namespace';
const SCALABLE: readonly Resource[] = [deployments, replicaSets, statefulSets, replicationControllers];

interface Scale {
  readonly metadata: { readonly resourceVersion?: string | undefined };
  readonly spec?: { readonly replicas?: number | undefined } | undefined;
  readonly status?: { readonly replicas: number; readonly selector?: string | undefined } | undefined;
}

interface ScalerSelector {
  readonly namespace: string | undefined;
  readonly name: string;
  readonly parsed: ReturnType<typeof parseLabelSelector>;
}

/** Keeps the size of workloads to what their Pods use, as the nodes tell it. */
export function startHorizontalPodAutoscaler(context: ControllerContext): void {
  new HorizontalAutoscaler(context).start();
}

class HorizontalAutoscaler {
  readonly #context: ControllerContext;
  readonly #scalers: Informer<HorizontalPodAutoscaler>;
  readonly #pods: Informer<Pod>;
  readonly #recorder: EventRecorder;
  readonly #histories = new Map<string, ScaleHistory>();
  /** By the key of the scaler, once its target has told. */
  readonly #selectors = new Map<string, ScalerSelector>();
  /** One question a node, however many ask at a time. */
  readonly #reading = new Map<string, Promise<ReadonlyMap<string, UsageSample>>>();

  constructor(context: ControllerContext) {
    this.#context = context;
    this.#scalers = context.informers.for(horizontalPodAutoscalers);
    this.#pods = context.informers.for(pods);
    this.#pods.addIndex(BY_NAMESPACE, ({ metadata }) => [metadata.namespace ?? '']);
    this.#recorder = recorderFor(context, 'horizontal-pod-autoscaler');
  }

  start(): void {
    const queue = createControllerQueue(
      this.#context,
      { name: 'horizontal-pod-autoscaler', waitFor: [this.#scalers, this.#pods] },
      async (key) => {
        const scaler = this.#scalers.get(key);
        if (scaler === undefined) {
          this.#histories.delete(key);
          this.#selectors.delete(key);
          return;
        }
        queue.addAfter(key, PERIOD_MS);
        await this.#sync(key, scaler);
      },
    );
    this.#scalers.on({
      added: (scaler) => queue.add(objectKey(scaler)),
      updated: (scaler, old) => {
        if (mergeDiff(old.spec, scaler.spec) !== undefined) queue.add(objectKey(scaler));
      },
      deleted: (scaler) => queue.add(objectKey(scaler)),
    });
  }

  async #sync(key: string, scaler: HorizontalPodAutoscaler): Promise<void> {
    const now = this.#context.clock.now();
    const target = await this.#target(scaler);
    if (typeof target === 'string') {
      const conditions = new Conditions(scaler.status?.conditions ?? [], now);
      const why = `the HPA controller was unable to get the target's current scale: ${target}`;
      conditions.set('AbleToScale', 'False', 'FailedGetScale', why);
      this.#recorder.record(scaler, 'Warning', 'FailedGetScale', target);
      await this.#writeStatus(scaler, { ...scaler.status, conditions: conditions.list });
      return;
    }
    const { scale, path } = target;
    const current = scale.spec?.replicas ?? 0;
    const selector = scale.status?.selector ?? '';
    const selected = this.#selected(scaler, selector);
    const selecting = this.#selecting(key, scaler, selector, selected);
    const samples = await this.#samples(selected);
    const history = this.#histories.get(key) ?? new ScaleHistory();
    this.#histories.set(key, history);
    const plan = planAutoscale({ scaler, current, selector, selecting, pods: selected, samples, history, now });
    for (const { type, reason, message } of plan.news) this.#recorder.record(scaler, type, reason, message);
    if (plan.rescale !== undefined) {
      const { replicas, reason } = plan.rescale;
      try {
        const body = { spec: { replicas } };
        await this.#context.client.raw({ method: 'PATCH', path, contentType: 'application/merge-patch+json', body });
      } catch (error) {
        const message = `New size: ${replicas}; reason: ${reason}; error: ${errorMessage(error)}`;
        this.#recorder.record(scaler, 'Warning', 'FailedRescale', message);
        const why = `the HPA controller was unable to update the target scale: ${errorMessage(error)}`;
        plan.conditions.set('AbleToScale', 'False', 'FailedUpdateScale', why);
        await this.#writeStatus(scaler, scalerStatus(scaler, current, { ...plan, rescale: undefined }, now));
        throw error;
      }
      const done = `the HPA controller was able to update the target scale to ${replicas}`;
      plan.conditions.set('AbleToScale', 'True', 'SucceededRescale', done);
      this.#recorder.record(scaler, 'Normal', 'SuccessfulRescale', `New size: ${replicas}; reason: ${reason}`);
      history.change(replicas - current, now);
    }
    await this.#writeStatus(scaler, scalerStatus(scaler, current, plan, now));
  }

  /** The target's scale and where it is, or why it cannot be had. */
  async #target({
    metadata,
    spec: { scaleTargetRef },
  }: HorizontalPodAutoscaler): Promise<{ readonly scale: Scale; readonly path: string } | string> {
    try {
      const { namespace } = metadata;
      const { apiVersion = '', kind, name } = scaleTargetRef;
      const group = apiVersion.includes('/') ? (apiVersion.split('/')[0] ?? '') : '';
      const resource = await this.#resource(group, kind);
      if (resource === undefined) return `no matches for kind "${kind}" in group "${group}"`;
      const path = resourcePath(resource, { namespace, name, subresource: 'scale' });
      const scale = (await this.#context.client.raw({ method: 'GET', path })) as Scale;
      return { scale, path };
    } catch (error) {
      return errorMessage(error);
    }
  }

  async #resource(group: string, kind: string): Promise<Resource | undefined> {
    const isMeant = (one: Resource): boolean => one.group === group && one.kind === kind;
    const known = SCALABLE.find(isMeant);
    if (known !== undefined) return known;
    // A kind of somebody's own.
    return (await discoverResources(this.#context.client)).find(isMeant);
  }

  #selected({ metadata }: KubeObject, selector: string): readonly Pod[] {
    if (selector === '') return [];
    const parsed = parseLabelSelector(selector);
    const all = this.#pods.byIndex(BY_NAMESPACE, metadata.namespace ?? '');
    return all.filter((pod) => matchesLabels(parsed, pod.metadata.labels));
  }

  /** The names of the scalers that select one of these Pods. Notes what this one selects. */
  #selecting(key: string, { metadata }: KubeObject, selector: string, selected: readonly Pod[]): readonly string[] {
    const { namespace, name } = metadata;
    this.#selectors.delete(key);
    if (selector !== '') this.#selectors.set(key, { namespace, name, parsed: parseLabelSelector(selector) });
    return [...this.#selectors.values()]
      .filter((one) => one.namespace === namespace)
      .filter(({ parsed }) => selected.some((pod) => matchesLabels(parsed, pod.metadata.labels)))
      .map((one) => one.name)
      .sort();
  }

  async #samples(selected: readonly Pod[]): Promise<ReadonlyMap<string, UsageSample>> {
    const names = new Set(selected.flatMap(({ spec }) => (spec.nodeName === undefined ? [] : [spec.nodeName])));
    const parts = await Promise.all([...names].map((name) => this.#readNode(name)));
    return new Map(parts.flatMap((part) => [...part]));
  }

  #readNode(name: string): Promise<ReadonlyMap<string, UsageSample>> {
    const known = this.#reading.get(name);
    if (known !== undefined) return known;
    const { client, clock, log } = this.#context;
    const path = `${resourcePath(nodes, { name })}/proxy/stats/summary`;
    const reading = client
      .raw({ method: 'GET', path })
      .then((summary) => samplesOf(summary, clock.now()))
      .catch((error: unknown) => {
        // A node that is away tells nothing; its Pods then count as missing.
        log.debug('no stats from node', { node: name, error: errorMessage(error) });
        return new Map<string, UsageSample>();
      })
      .finally(() => this.#reading.delete(name));
    this.#reading.set(name, reading);
    return reading;
  }

  async #writeStatus(scaler: HorizontalPodAutoscaler, wanted: object): Promise<void> {
    const status = mergeDiff(scaler.status ?? {}, wanted);
    if (status === undefined) return;
    const body = { metadata: { uid: scaler.metadata.uid }, status };
    const options = { subresource: 'status' };
    const { client } = this.#context;
    const patch = client.patch(horizontalPodAutoscalers, scaler.metadata, { kind: 'merge', body }, options);
    await ignoreNotFound(patch);
  }
}
