import type { Resource } from '#api/resource.ts';
import type { Client } from './client.ts';

export interface DiscoveredResource extends Resource {
  readonly verbs: readonly string[];
}

interface ResourceList {
  readonly groupVersion: string;
  readonly resources: readonly {
    readonly name: string;
    readonly kind: string;
    readonly namespaced: boolean;
    readonly verbs: readonly string[];
  }[];
}

interface GroupList {
  readonly groups: readonly { readonly preferredVersion: { readonly groupVersion: string } }[];
}

/**
 * Every resource that the server serves, in each group's preferred version, without subresources. Fails when a part
 * cannot be read: whoever deletes by this list must know that it is whole.
 */
export async function discoverResources(client: Client, signal?: AbortSignal): Promise<readonly DiscoveredResource[]> {
  const get = async <T>(path: string): Promise<T> => (await client.raw({ method: 'GET', path, signal })) as T;
  const { groups } = await get<GroupList>('/apis');
  const paths = ['/api/v1', ...groups.map(({ preferredVersion }) => `/apis/${preferredVersion.groupVersion}`)];
  const lists = await Promise.all(paths.map((path) => get<ResourceList>(path)));
  return lists.flatMap(({ groupVersion, resources }) => {
    const [group = '', version = ''] = groupVersion.includes('/') ? groupVersion.split('/') : ['', groupVersion];
    return resources
      .filter(({ name }) => !name.includes('/'))
      .map(({ name, kind, namespaced, verbs }) => ({ group, version, plural: name, kind, namespaced, verbs }));
  });
}

export function supports(resource: DiscoveredResource, ...verbs: readonly string[]): boolean {
  return verbs.every((verb) => resource.verbs.includes(verb));
}
