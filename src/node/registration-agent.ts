import { rfc3339Micro } from '#base/clock.ts';
import { errorMessage } from '#base/errors.ts';
import type { Lease, Node } from '#api/generated/types.ts';
import { leases, nodes } from '#api/resource.ts';
import { isReason } from '#client/client.ts';
import type { NodeContext } from './node-context.ts';
import { limitsMessage, type NodeIdentity, nodeLabels, nodeStatus, unsettledResources } from './node-status.ts';

const LEASE_NAMESPACE = 'kube-node-lease';
const LEASE_SECONDS = 40;
const RENEW_MS = 10_000;
/** How often the status is written with nothing new in it but the time: the lease says more often that we live. */
const STATUS_MS = 300_000;
const RETRY_MS = 200;
const MAX_RETRY_MS = 7000;

export interface ToldNode {
  /** As the API has it, or had it a moment ago; undefined before it is known there. */
  self(): Node | undefined;
  hasDiskPressure(): boolean;
}

/** Tells the API that the node is there, and keeps telling. */
export class NodeRegistration {
  readonly ready: Promise<void>;
  readonly #node: NodeContext;
  readonly #identity: NodeIdentity;
  readonly #signal: AbortSignal;
  readonly #told: ToldNode;

  constructor(node: NodeContext, identity: NodeIdentity, signal: AbortSignal, told: ToldNode) {
    this.#told = told;
    this.#node = node;
    this.#identity = identity;
    this.#signal = signal;
    this.ready = this.#untilDone(() => this.#register());
    this.ready.then(
      () => {
        void this.#repeat(RENEW_MS, () => this.#renew());
        void this.#repeat(STATUS_MS, () => this.#writeStatus());
      },
      () => {},
    );
  }

  /** At once, not with the next regular report. */
  async tellDiskPressure(): Promise<void> {
    const { client, events, log } = this.#node;
    const { name } = this.#identity;
    try {
      await this.#writeStatus();
      const status = this.#told.hasDiskPressure() ? 'NodeHasDiskPressure' : 'NodeHasNoDiskPressure';
      const message = `Node ${name} status is now: ${status}`;
      events.record(await client.get(nodes, { name }), 'Normal', status, message);
    } catch (error) {
      log.warn('disk pressure not told', { node: name, error: errorMessage(error) });
    }
  }

  async #register(): Promise<void> {
    const { client, machine } = this.#node;
    const { name, podCidrs } = this.#identity;
    const labels = nodeLabels(this.#identity, machine);
    const spec = { podCIDR: podCidrs[0], podCIDRs: podCidrs };
    try {
      await client.create(nodes, { apiVersion: 'v1', kind: 'Node', metadata: { name, labels }, spec });
    } catch (error) {
      if (!isReason(error, 'AlreadyExists')) throw error;
      await client.patch(nodes, { name }, { kind: 'merge', body: { metadata: { labels } } });
    }
    await Promise.all([this.#writeStatus(), this.#renewLease()]);
    const node = await client.get(nodes, { name });
    const { events } = this.#node;
    events.record(node, 'Normal', 'NodeReady', `Node ${name} status is now: NodeReady`);
    const { limitsNotice } = this.#identity;
    if (limitsNotice !== undefined) {
      events.record(node, 'Warning', 'ResourceLimitsNotEnforced', limitsMessage(limitsNotice));
    }
  }

  async #writeStatus(): Promise<void> {
    const { client, machine, clock } = this.#node;
    const { name } = this.#identity;
    const old: Node = await client.get(nodes, { name });
    const status = nodeStatus(this.#identity, machine, clock.now(), old, this.#told.hasDiskPressure());
    const gone = unsettledResources(old).filter((resource) => !(resource in (status.capacity ?? {})));
    const allocatable = { ...Object.fromEntries(gone.map((resource) => [resource, null])), ...status.allocatable };
    const body = { status: { ...status, allocatable } };
    await client.patch(nodes, { name }, { kind: 'merge', body }, { subresource: 'status' });
  }

  async #renew(): Promise<void> {
    await this.#renewLease();
    const node = this.#told.self();
    // Whoever gives the node an extended resource writes the capacity; what is to be had of it is for us to say.
    if (node !== undefined && unsettledResources(node).length > 0) await this.#writeStatus();
  }

  async #renewLease(): Promise<void> {
    const { client, clock } = this.#node;
    const { name } = this.#identity;
    const renewTime = rfc3339Micro(clock.now());
    const ref = { namespace: LEASE_NAMESPACE, name };
    try {
      await client.patch(leases, ref, { kind: 'merge', body: { spec: { renewTime } } });
    } catch (error) {
      if (!isReason(error, 'NotFound')) throw error;
      await client.create(leases, await this.#newLease(renewTime));
    }
  }

  async #newLease(renewTime: string): Promise<Pick<Lease, 'apiVersion' | 'kind' | 'spec'> & { metadata: object }> {
    const { name } = this.#identity;
    const { uid } = (await this.#node.client.get(nodes, { name })).metadata;
    return {
      apiVersion: 'coordination.k8s.io/v1',
      kind: 'Lease',
      metadata: {
        namespace: LEASE_NAMESPACE,
        name,
        ownerReferences: [{ apiVersion: 'v1', kind: 'Node', name, uid }],
      },
      spec: { holderIdentity: name, leaseDurationSeconds: LEASE_SECONDS, renewTime },
    };
  }

  async #repeat(ms: number, work: () => Promise<void>): Promise<void> {
    const { clock, log } = this.#node;
    while (!this.#signal.aborted) {
      try {
        await clock.sleep(ms, this.#signal);
        await work();
      } catch (error) {
        if (this.#signal.aborted) return;
        log.warn('node report failed', { node: this.#identity.name, error: errorMessage(error) });
      }
    }
  }

  async #untilDone(work: () => Promise<void>): Promise<void> {
    const { clock, log } = this.#node;
    for (let delay = RETRY_MS; ; delay = Math.min(delay * 2, MAX_RETRY_MS)) {
      try {
        await work();
        return;
      } catch (error) {
        if (this.#signal.aborted) throw error;
        log.warn('node not registered', { node: this.#identity.name, error: errorMessage(error) });
        await clock.sleep(delay, this.#signal);
      }
    }
  }
}
