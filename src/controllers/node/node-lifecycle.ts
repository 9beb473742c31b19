import { rfc3339 } from '#base/clock.ts';
import type { Lease, Node, Pod } from '#api/generated/types.ts';
import { leases, nodes, pods } from '#api/resource.ts';
import type { EventRecorder } from '#client/events.ts';
import type { Informer } from '#client/informer.ts';
import { type ControllerContext, createControllerQueue, ignoreNotFound, recorderFor } from '../controller-context.ts';
import { GRACE_MS, healthTaints, lastSeen, readyCondition, silentConditions } from './node-health.ts';
import { isPodReady } from '../pod-state.ts';
import { podsByNode } from './pods-by-node.ts';

const LEASE_NAMESPACE = 'kube-node-lease';

/** Notices nodes that have gone silent, takes their Pods out of service, and taints nodes by their state. */
export function startNodeLifecycleController(context: ControllerContext): void {
  new NodeLifecycleController(context).start();
}

class NodeLifecycleController {
  readonly #context: ControllerContext;
  readonly #nodes: Informer<Node>;
  readonly #leases: Informer<Lease>;
  readonly #pods: Informer<Pod>;
  readonly #podsOn: (node: string) => readonly Pod[];
  readonly #recorder: EventRecorder;
  /** Ms. Before, nobody here could have heard of a node. */
  readonly #startedAt: number;

  constructor(context: ControllerContext) {
    this.#context = context;
    this.#nodes = context.informers.for(nodes);
    this.#leases = context.informers.for(leases);
    this.#pods = context.informers.for(pods);
    this.#recorder = recorderFor(context, 'node-controller');
    this.#startedAt = context.clock.now();
    this.#podsOn = podsByNode(this.#pods);
  }

  start(): void {
    const queue = createControllerQueue(
      this.#context,
      { name: 'node-lifecycle', waitFor: [this.#nodes, this.#leases, this.#pods] },
      async (name) => {
        const wait = await this.#sync(name);
        if (wait !== undefined) queue.addAfter(name, wait);
      },
    );
    const add = ({ metadata }: Node): void => queue.add(metadata.name);
    const tell = (node: Node, reason: string, what: string): void => {
      const { name } = node.metadata;
      this.#recorder.record(node, 'Normal', reason, `Node ${name} event: ${what.replace('NODE', name)}`);
    };
    this.#nodes.on({
      added: (node) => {
        tell(node, 'RegisteredNode', 'Registered Node NODE in Controller');
        add(node);
      },
      deleted: (node) => tell(node, 'RemovingNode', 'Removing Node NODE from Controller'),
      updated: (node, old) => {
        if (node.spec !== old.spec || healthOf(node) !== healthOf(old)) add(node);
      },
    });
    // A renewal needs no work of its own: the one timer looks at the lease when it fires. But for a node thought dead.
    this.#leases.on({
      updated: ({ metadata }) => {
        const node = metadata.namespace === LEASE_NAMESPACE ? this.#nodes.get(metadata.name) : undefined;
        if (node !== undefined && readyCondition(node)?.status === 'Unknown') add(node);
      },
    });
  }

  async #sync(name: string): Promise<number | undefined> {
    const { clock } = this.#context;
    const node = this.#nodes.get(name);
    if (node === undefined) return undefined;
    const now = clock.now();
    // After a restart of ours every node gets its full time to be heard of again.
    const seen = Math.max(lastSeen(node, this.#leases.get(`${LEASE_NAMESPACE}/${name}`)), this.#startedAt);
    const left = seen + GRACE_MS - now;
    if (left > 0) {
      await this.#taint(node, now);
      return left;
    }
    const silent = await this.#silence(node, now);
    await this.#taint(silent, now);
    await this.#takeOutOfService(name, now);
    return undefined;
  }

  async #silence(node: Node, now: number): Promise<Node> {
    const conditions = silentConditions(node, rfc3339(now));
    if (conditions === undefined) return node;
    const message = `Node ${node.metadata.name} status is now: NodeNotReady`;
    if (readyCondition(node)?.status === 'True') this.#recorder.record(node, 'Normal', 'NodeNotReady', message);
    const body = { status: { conditions } };
    const options = { subresource: 'status' };
    const { client } = this.#context;
    return (await ignoreNotFound(client.patch(nodes, node.metadata, { kind: 'merge', body }, options))) ?? node;
  }

  async #taint(node: Node, now: number): Promise<void> {
    const taints = healthTaints(node, rfc3339(now));
    if (taints === undefined) return;
    const body = { metadata: { resourceVersion: node.metadata.resourceVersion }, spec: { taints } };
    await ignoreNotFound(this.#context.client.patch(nodes, node.metadata, { kind: 'merge', body }));
  }

  /** Services stop sending to them at once; whether they are replaced is for the taints to say. */
  async #takeOutOfService(nodeName: string, now: number): Promise<void> {
    const { client } = this.#context;
    const affected = this.#podsOn(nodeName).filter((pod) => isPodReady(pod));
    await Promise.all(
      affected.map(async (pod) => {
        const conditions = (pod.status?.conditions ?? []).map((condition) =>
          condition.type === 'Ready' ? { ...condition, status: 'False', lastTransitionTime: rfc3339(now) } : condition,
        );
        const body = { metadata: { uid: pod.metadata.uid }, status: { conditions } };
        this.#recorder.record(pod, 'Warning', 'NodeNotReady', 'Node is not ready');
        await ignoreNotFound(client.patch(pods, pod.metadata, { kind: 'merge', body }, { subresource: 'status' }));
      }),
    );
  }
}

/** What the conditions say, but for when they said it last. */
function healthOf({ status }: Node): string {
  return (status?.conditions ?? []).map(({ type, status: is }) => `${type}=${is}`).join();
}
