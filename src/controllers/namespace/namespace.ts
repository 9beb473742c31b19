import { rfc3339 } from '#base/clock.ts';
import { errorMessage } from '#base/errors.ts';
import type { Namespace } from '#api/generated/types.ts';
import { namespaces, pods, resourcePath } from '#api/resource.ts';
import { type DiscoveredResource, discoverResources, supports } from '#client/discovery.ts';
import { type ControllerContext, createControllerQueue, ignoreNotFound } from '../controller-context.ts';
import { mergeDiff } from '../merge-diff.ts';
import { type Remains, terminatingStatus } from './namespace-plan.ts';

/** Objects that wait for something are looked at again after this, and then ever less often. */
const FIRST_RETRY_MS = 20;
const LAST_RETRY_MS = 5000;

/** Empties a namespace that was deleted, then lets it go. Pods go first, so that what they use outlives them. */
export function startNamespaceController(context: ControllerContext): void {
  const { client, informers, clock } = context;
  const namespaceInformer = informers.for(namespaces);
  const podInformer = informers.for(pods);
  const retries = new Map<string, number>();

  const queue = createControllerQueue(
    context,
    { name: 'namespace', waitFor: [namespaceInformer], concurrency: 8 },
    async (name) => {
      const namespace = namespaceInformer.get(name);
      if (namespace === undefined || !needsWork(namespace)) {
        retries.delete(name);
        return;
      }
      const remains = await empty(context, name);
      if (remains.resources.size === 0 && remains.deletionError === undefined && remains.discoveryError === undefined) {
        await finalize(namespace);
        return;
      }
      await tell(namespace, remains);
      const delay = retries.get(name) ?? FIRST_RETRY_MS;
      retries.set(name, Math.min(delay * 2, LAST_RETRY_MS));
      queue.addAfter(name, delay);
    },
  );
  const finalize = async (namespace: Namespace): Promise<void> => {
    const finalizers = namespace.spec.finalizers?.filter((finalizer) => finalizer !== 'kubernetes') ?? [];
    const body = { ...namespace, spec: { ...namespace.spec, finalizers } };
    const path = resourcePath(namespaces, { name: namespace.metadata.name, subresource: 'finalize' });
    await ignoreNotFound(client.raw({ method: 'PUT', path, contentType: 'application/json', body }));
  };
  const tell = async (namespace: Namespace, remains: Remains): Promise<void> => {
    const status = mergeDiff(
      namespace.status ?? {},
      terminatingStatus(namespace.status, remains, rfc3339(clock.now())),
    );
    if (status === undefined) return;
    const options = { subresource: 'status' };
    await ignoreNotFound(client.patch(namespaces, namespace.metadata, { kind: 'merge', body: { status } }, options));
  };
  const changed = (namespace: Namespace): void => {
    if (needsWork(namespace)) queue.add(namespace.metadata.name);
  };
  namespaceInformer.on({ added: changed, updated: (namespace, old) => needsWork(old) || changed(namespace) });
  // The last thing to go is nearly always a Pod: no need to wait for the next look.
  podInformer.on({
    deleted: ({ metadata }) => {
      const namespace = namespaceInformer.get(metadata.namespace ?? '');
      if (namespace !== undefined) changed(namespace);
    },
  });
}

function needsWork({ metadata, spec }: Namespace): boolean {
  return metadata.deletionTimestamp !== undefined && spec.finalizers?.includes('kubernetes') === true;
}

/** One pass: asks for the deletion of all there is, and says what is still there. */
async function empty(context: ControllerContext, namespace: string): Promise<Remains> {
  const resources = new Map<string, number>();
  const finalizers = new Map<string, number>();
  let found: readonly DiscoveredResource[];
  try {
    found = await discoverResources(context.client, context.signal);
  } catch (error) {
    const discoveryError = `Discovery failed for some groups: ${errorMessage(error)}`;
    return { resources, finalizers, discoveryError };
  }
  const deletable = found.filter((resource) => resource.namespaced && supports(resource, 'list', 'delete'));
  const [first, rest] = [deletable.filter(isPods), deletable.filter((resource) => !isPods(resource))];
  const errors: string[] = [];
  for (const group of [first, rest]) {
    const results = await Promise.allSettled(group.map((resource) => clear(context, namespace, resource)));
    for (const [i, result] of results.entries()) {
      const resource = group[i];
      if (resource === undefined) continue;
      if (result.status === 'rejected') errors.push(errorMessage(result.reason));
      else if (result.value.count > 0) resources.set(`${resource.plural}.${resource.group}`, result.value.count);
      if (result.status === 'fulfilled')
        for (const [key, count] of result.value.finalizers) add(finalizers, key, count);
    }
    if (resources.size > 0 || errors.length > 0) break;
  }
  const deletionError = errors.length === 0 ? undefined : `Failed to delete all resource types: ${errors.join(', ')}`;
  return { resources, finalizers, deletionError };
}

function isPods({ group, plural }: DiscoveredResource): boolean {
  return group === '' && plural === 'pods';
}

async function clear(
  { client, signal }: ControllerContext,
  namespace: string,
  resource: DiscoveredResource,
): Promise<{ count: number; finalizers: ReadonlyMap<string, number> }> {
  const before = await client.list(resource, { namespace, signal });
  const finalizers = new Map<string, number>();
  if (before.items.length === 0) return { count: 0, finalizers };
  if (supports(resource, 'deletecollection')) {
    await client.deleteCollection(resource, { namespace, signal });
  } else {
    await Promise.all(before.items.map((item) => ignoreNotFound(client.delete(resource, item.metadata, { signal }))));
  }
  const after = await client.list(resource, { namespace, signal });
  for (const { metadata } of after.items) for (const name of metadata.finalizers ?? []) add(finalizers, name, 1);
  return { count: after.items.length, finalizers };
}

function add(counts: Map<string, number>, key: string, by: number): void {
  counts.set(key, (counts.get(key) ?? 0) + by);
}
