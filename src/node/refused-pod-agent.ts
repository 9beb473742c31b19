import type { Pod } from '#api/generated/types.ts';
import { pods } from '#api/resource.ts';
import { isAnotherObject, isReason } from '#client/client.ts';
import type { NodeContext } from './node-context.ts';
import type { AdmissionRefusal } from './pod/pod-admission.ts';
import { refusedStatus } from './pod/pod-status.ts';

/** One Pod that this node does not let in: it says so, and lets go of it when it is deleted. */
export class RefusedPod {
  /** Takes nothing of the node. */
  readonly demand = undefined;
  readonly evictable = undefined;
  readonly #node: NodeContext;
  readonly #refusal: AdmissionRefusal;
  #pod: Pod;
  #told = false;
  #done = false;

  constructor(node: NodeContext, pod: Pod, refusal: AdmissionRefusal) {
    this.#node = node;
    this.#pod = pod;
    this.#refusal = refusal;
    node.events.record(pod, 'Warning', refusal.reason, refusal.message);
  }

  get done(): boolean {
    return this.#done;
  }

  update(pod: Pod): void {
    this.#pod = pod;
  }

  orphan(): void {
    this.#done = true;
  }

  /** Throws when it should be tried again after a while. */
  async sync(): Promise<void> {
    if (this.#done) return;
    try {
      if (!this.#told) await this.#tell();
      if (this.#pod.metadata.deletionTimestamp !== undefined) await this.#release();
    } catch (error) {
      if (!isReason(error, 'NotFound', 'Conflict') && !isAnotherObject(error)) throw error;
    }
  }

  discard(): Promise<void> {
    this.#done = true;
    return Promise.resolve();
  }

  async #tell(): Promise<void> {
    const { client, clock } = this.#node;
    const { namespace, name, uid } = this.#pod.metadata;
    const body = { metadata: { uid }, status: refusedStatus(this.#pod, this.#refusal, clock.now()) };
    await client.patch(pods, { namespace, name }, { kind: 'merge', body }, { subresource: 'status' });
    this.#told = true;
  }

  async #release(): Promise<void> {
    const { namespace, name, uid } = this.#pod.metadata;
    const options = { gracePeriodSeconds: 0, preconditions: { uid } };
    await this.#node.client.delete(pods, { namespace, name }, options);
  }
}
