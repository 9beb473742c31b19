import { rfc3339 } from '#base/clock.ts';
import type { Pod, PodCondition } from '#api/generated/types.ts';
import { objectKey } from '#api/object.ts';
import { pods, resourcePath } from '#api/resource.ts';
import type { EventRecorder } from '#client/events.ts';
import { type ControllerContext, ignoreNotFound, recorderFor } from '../controller-context.ts';
import { disruptionTarget, observed } from '../disruption-target.ts';
import { isTerminating, podCondition } from '../pod-state.ts';

export const SCHEDULER_NAME = 'default-scheduler';
/** The same refusal again is worth an event only after so long. */
const REPEAT_MS = 60_000;

/** All that the scheduler writes about Pods. */
export class PodWriter {
  readonly #context: ControllerContext;
  readonly #recorder: EventRecorder;
  readonly #told = new Map<string, { readonly message: string; readonly at: number }>();

  constructor(context: ControllerContext) {
    this.#context = context;
    this.#recorder = recorderFor(context, SCHEDULER_NAME);
  }

  async bind(pod: Pod, nodeName: string): Promise<void> {
    const { namespace, name, uid } = pod.metadata;
    const body = {
      apiVersion: 'v1',
      kind: 'Binding',
      metadata: { namespace, name, uid },
      target: { apiVersion: 'v1', kind: 'Node', name: nodeName },
    };
    const path = resourcePath(pods, { namespace, name, subresource: 'binding' });
    await this.#context.client.raw({ method: 'POST', path, contentType: 'application/json', body });
    this.#recorder.record(pod, 'Normal', 'Scheduled', `Successfully assigned ${namespace}/${name} to ${nodeName}`);
  }

  /** Says why the Pod has no node; `nominated` is the one that is being made free for it. */
  async refuse(pod: Pod, message: string, nominated?: string): Promise<void> {
    this.tell(pod, message);
    const before = podCondition(pod, 'PodScheduled');
    const { nominatedNodeName = '' } = pod.status ?? {};
    const isSame = before?.status === 'False' && before.message === message;
    if (isSame && nominatedNodeName === (nominated ?? '')) return;
    const condition: PodCondition = {
      type: 'PodScheduled',
      ...observed(pod),
      status: 'False',
      reason: 'Unschedulable',
      message,
      lastTransitionTime: before?.status === 'False' ? before.lastTransitionTime : rfc3339(this.#context.clock.now()),
    };
    const others = (pod.status?.conditions ?? []).filter(({ type }) => type !== 'PodScheduled');
    await this.#patchStatus(pod, { conditions: [...others, condition], nominatedNodeName: nominated ?? null });
  }

  tell(pod: Pod, message: string): void {
    const key = objectKey(pod);
    const now = this.#context.clock.monotonic();
    const last = this.#told.get(key);
    if (last?.message === message && now - last.at < REPEAT_MS) return;
    this.#told.set(key, { message, at: now });
    this.#recorder.record(pod, 'Warning', 'FailedScheduling', message);
  }

  forget(key: string): void {
    this.#told.delete(key);
  }

  /** Ends a Pod, gracefully, so that `preemptor` has its place. */
  async pushOut(victim: Pod, preemptor: Pod, nodeName: string): Promise<void> {
    if (isTerminating(victim)) return;
    const { uid } = victim.metadata;
    const message = `${SCHEDULER_NAME}: preempting to accommodate a higher priority pod`;
    const timestamp = rfc3339(this.#context.clock.now());
    await this.#patchStatus(victim, {
      conditions: disruptionTarget(victim, 'PreemptionByScheduler', message, timestamp),
    });
    await ignoreNotFound(this.#context.client.delete(pods, victim.metadata, { preconditions: { uid } }));
    const why = `Preempted by pod ${preemptor.metadata.uid} on node ${nodeName}`;
    this.#recorder.record(victim, 'Normal', 'Preempted', why);
  }

  async withdrawNomination(pod: Pod): Promise<void> {
    await this.#patchStatus(pod, { nominatedNodeName: null });
  }

  async #patchStatus(pod: Pod, status: object): Promise<void> {
    const body = { metadata: { uid: pod.metadata.uid }, status };
    const { client } = this.#context;
    await ignoreNotFound(client.patch(pods, pod.metadata, { kind: 'merge', body }, { subresource: 'status' }));
  }
}
