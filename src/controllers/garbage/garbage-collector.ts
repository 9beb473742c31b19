import { errorMessage } from '#base/errors.ts';
import type { WorkQueue } from '#base/work-queue.ts';
import type { KubeObject, OwnerReference } from '#api/object.ts';
import { apiVersionOf, type Resource } from '#api/resource.ts';
import { type DiscoveredResource, discoverResources, supports } from '#client/discovery.ts';
import type { EventRecorder } from '#client/events.ts';
import { type ControllerContext, createControllerQueue, ignoreNotFound, recorderFor } from '../controller-context.ts';
import { FOREGROUND, GarbageGraph, type GraphNode, ORPHAN } from './garbage-graph.ts';
import { isWaiting, type OwnerState, planGarbage } from './garbage-plan.ts';

const RETRY_MS = 1000;

/**
 * Deletes what its owners leave behind, over every kind that the server has. Resolves once the collector watches all of
 * them; custom kinds that come later are taken in as they come.
 */
export async function startGarbageCollector(context: ControllerContext): Promise<void> {
  const collector = new GarbageCollector(context);
  await collector.watchAll();
}

class GarbageCollector {
  readonly #context: ControllerContext;
  readonly #graph = new GarbageGraph();
  readonly #resources = new Map<string, Resource>();
  readonly #recorder: EventRecorder;
  #queue: WorkQueue | undefined;

  constructor(context: ControllerContext) {
    this.#context = context;
    this.#recorder = recorderFor(context, 'garbage-collector-controller');
  }

  async watchAll(): Promise<void> {
    const { informers, clock, log, signal } = this.#context;
    for (;;) {
      try {
        const resources = await discoverResources(this.#context.client, signal);
        const added = resources.filter((resource) => isCollected(resource) && !this.#resources.has(kindKey(resource)));
        for (const resource of added) this.#resources.set(kindKey(resource), resource);
        const found = added.map((resource) => informers.for(resource));
        this.#queue ??= createControllerQueue(
          this.#context,
          { name: 'garbage-collector', waitFor: found, concurrency: 20 },
          (uid) => this.#process(uid),
        );
        for (const [i, informer] of found.entries()) this.#watch(added[i] ?? informer.resource, informer);
        return;
      } catch (error) {
        if (signal.aborted) return;
        log.warn('garbage-collector: cannot discover resources', { error: errorMessage(error) });
        await clock.sleep(RETRY_MS, signal).catch(() => {});
      }
    }
  }

  #watch(resource: Resource, informer: ReturnType<ControllerContext['informers']['for']>): void {
    const changed = (object: KubeObject): void => {
      const { node, changed: isNew, before } = this.#graph.put(resource, object);
      if (!isNew) return;
      if (node.owners.length > 0 || (node.terminating && node.finalizers.length > 0)) {
        this.#queue?.add(node.uid);
      }
      // A dependent that no longer blocks, or no longer is one, may be what an owner waits for.
      this.#wakeOwners(node);
      if (before !== undefined) this.#wakeOwners(before);
      if (isWaiting(node)) this.#wakeDependents(node.uid);
    };
    const isCustomKind = resource.group === 'apiextensions.k8s.io' && resource.plural === 'customresourcedefinitions';
    const rediscover = (): void => {
      if (isCustomKind && informer.hasSynced) void this.watchAll();
    };
    informer.on({
      added: (object) => {
        changed(object);
        rediscover();
      },
      updated: (object) => {
        changed(object);
        rediscover();
      },
      deleted: ({ metadata }) => {
        const node = this.#graph.remove(metadata.uid);
        this.#wakeDependents(metadata.uid);
        if (node !== undefined) this.#wakeOwners(node);
      },
    });
  }

  #wakeDependents(uid: string): void {
    for (const dependent of this.#graph.dependentsOf(uid)) this.#queue?.add(dependent.uid);
  }

  #wakeOwners(node: GraphNode): void {
    for (const { uid } of node.owners) {
      if (this.#graph.get(uid)?.finalizers.includes(FOREGROUND) === true) this.#queue?.add(uid);
    }
  }

  async #process(uid: string): Promise<void> {
    const node = this.#graph.get(uid);
    if (node === undefined) return;
    const states = node.terminating ? [] : await Promise.all(node.owners.map((owner) => this.#stateOf(owner, node)));
    const dependents = this.#graph.dependentsOf(uid);
    const action = planGarbage(node, states, dependents);
    switch (action.kind) {
      case 'none':
        return;
      case 'delete':
        await this.#delete(node, action.policy);
        return;
      case 'unblock-and-delete':
        await this.#patchMetadata(node, ({ ownerReferences = [] }) => ({
          ownerReferences: ownerReferences.map((owner) => ({ ...owner, blockOwnerDeletion: false })),
        }));
        await this.#delete(node, 'Foreground');
        return;
      case 'drop-owners':
        await this.#dropOwners(node, action.uids);
        return;
      case 'orphan-dependents':
        await Promise.all(dependents.map((dependent) => this.#dropOwners(dependent, [uid])));
        await this.#removeFinalizer(node, ORPHAN);
        return;
      case 'remove-finalizer':
        await this.#removeFinalizer(node, action.finalizer);
        return;
    }
  }

  async #delete(node: GraphNode, propagationPolicy: 'Background' | 'Foreground' | 'Orphan'): Promise<void> {
    const { client, log } = this.#context;
    log.debug('garbage-collector: deleting', { kind: node.resource.kind, name: node.name });
    await ignoreNotFound(client.delete(node.resource, node, { propagationPolicy, preconditions: { uid: node.uid } }));
  }

  async #stateOf(owner: OwnerReference, node: GraphNode): Promise<OwnerState> {
    const known = this.#graph.get(owner.uid);
    const resource = known?.resource ?? this.#resources.get(`${owner.apiVersion}/${owner.kind}`);
    // Not known which it is, or none that the object can have: whoever wrote that has to decide.
    if (resource === undefined) return 'solid';
    if (resource.namespaced && node.namespace === undefined) {
      this.#tellForeign(owner, node);
      return 'solid';
    }
    if (known !== undefined) {
      if (known.namespace === undefined || known.namespace === node.namespace) {
        return isWaiting(known) ? 'waiting' : 'solid';
      }
      // An owner in another namespace is none.
      this.#tellForeign(owner, node);
      return 'absent';
    }
    if (this.#graph.isAbsent(owner.uid)) return 'absent';
    // Not seen: it may be younger than our view, so the server is asked before anything is deleted.
    const namespace = resource.namespaced ? node.namespace : undefined;
    const found = await ignoreNotFound(this.#context.client.get(resource, { namespace, name: owner.name }));
    if (found?.metadata.uid === owner.uid) return 'solid';
    this.#graph.noteAbsent(owner.uid);
    return 'absent';
  }

  #tellForeign({ apiVersion, kind, name, uid }: OwnerReference, node: GraphNode): void {
    const { namespace = '' } = node;
    const reference = `[${apiVersion}/${kind}, namespace: ${namespace}, name: ${name}, uid: ${uid}]`;
    const message = `ownerRef ${reference} does not exist in namespace "${namespace}"`;
    this.#recorder.record(objectOf(node), 'Warning', 'OwnerRefInvalidNamespace', message);
  }

  /** From the object as it is now, guarded by its version: owner lists are replaced as a whole. */
  async #dropOwners(node: GraphNode, uids: readonly string[]): Promise<void> {
    await this.#patchMetadata(node, ({ ownerReferences = [] }) => ({
      ownerReferences: ownerReferences.filter((owner) => !uids.includes(owner.uid)),
    }));
  }

  async #removeFinalizer(node: GraphNode, finalizer: string): Promise<void> {
    await this.#patchMetadata(node, ({ finalizers = [] }) => ({
      finalizers: finalizers.filter((name) => name !== finalizer),
    }));
  }

  async #patchMetadata(node: GraphNode, change: (metadata: KubeObject['metadata']) => object): Promise<void> {
    const { client } = this.#context;
    const current = await ignoreNotFound(client.get(node.resource, node));
    if (current === undefined || current.metadata.uid !== node.uid) return;
    const { uid, resourceVersion } = current.metadata;
    const body = { metadata: { uid, resourceVersion, ...change(current.metadata) } };
    await ignoreNotFound(client.patch(node.resource, node, { kind: 'merge', body }));
  }
}

function kindKey(resource: Resource): string {
  return `${apiVersionOf(resource)}/${resource.kind}`;
}

/** Events come and go by themselves. */
function isCollected(resource: DiscoveredResource): boolean {
  return resource.kind !== 'Event' && supports(resource, 'list', 'watch', 'delete', 'patch');
}

/** As much of the object as an event tells of. */
function objectOf({ resource, namespace, name, uid }: GraphNode): KubeObject {
  const metadata = { ...(namespace === undefined ? {} : { namespace }), name, uid };
  return { apiVersion: apiVersionOf(resource), kind: resource.kind, metadata: metadata as KubeObject['metadata'] };
}
