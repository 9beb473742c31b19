import type * as t from './generated/types.ts';
import { type KubeObject } from './object.ts';

declare const objectType: unique symbol;

/** Where a kind lives on the wire. `T` is the type of its objects; it exists for the compiler only. */
export interface Resource<T extends KubeObject = KubeObject> {
  /** Empty for the core group. */
  readonly group: string;
  readonly version: string;
  readonly plural: string;
  readonly kind: string;
  readonly namespaced: boolean;
  readonly [objectType]?: T;
}

function define<T extends KubeObject>(group: string, kind: string, plural: string, namespaced: boolean): Resource<T> {
  return Object.freeze({ group, version: group === 'autoscaling' ? 'v2' : 'v1', plural, kind, namespaced });
}

export const namespaces: Resource<t.Namespace> = define('', 'Namespace', 'namespaces', false);
export const nodes: Resource<t.Node> = define('', 'Node', 'nodes', false);
export const pods: Resource<t.Pod> = define('', 'Pod', 'pods', true);
export const services: Resource<t.Service> = define('', 'Service', 'services', true);
export const endpoints: Resource<t.Endpoints> = define('', 'Endpoints', 'endpoints', true);
export const configMaps: Resource<t.ConfigMap> = define('', 'ConfigMap', 'configmaps', true);
export const secrets: Resource<t.Secret> = define('', 'Secret', 'secrets', true);
export const serviceAccounts: Resource<t.ServiceAccount> = define('', 'ServiceAccount', 'serviceaccounts', true);
export const events: Resource<t.CoreEvent> = define('', 'Event', 'events', true);
export const deployments: Resource<t.Deployment> = define('apps', 'Deployment', 'deployments', true);
export const replicaSets: Resource<t.ReplicaSet> = define('apps', 'ReplicaSet', 'replicasets', true);
export const endpointSlices: Resource<t.EndpointSlice> = define(
  'discovery.k8s.io',
  'EndpointSlice',
  'endpointslices',
  true,
);
export const leases: Resource<t.Lease> = define('coordination.k8s.io', 'Lease', 'leases', true);

/** `v1`, `apps/v1`. */
export function apiVersionOf(resource: Pick<Resource, 'group' | 'version'>): string {
  return resource.group === '' ? resource.version : `${resource.group}/${resource.version}`;
}

export interface ResourcePath {
  readonly namespace?: string | undefined;
  readonly name?: string | undefined;
  readonly subresource?: string | undefined;
}

/** `/api/v1/namespaces/default/pods/web/status`. Without a namespace: all namespaces. */
export function resourcePath(resource: Resource, at: ResourcePath = {}): string {
  const root = resource.group === '' ? `/api/${resource.version}` : `/apis/${resource.group}/${resource.version}`;
  const scope =
    resource.namespaced && at.namespace !== undefined ? `/namespaces/${encodeURIComponent(at.namespace)}` : '';
  const name = at.name === undefined ? '' : `/${encodeURIComponent(at.name)}`;
  const subresource = at.subresource === undefined ? '' : `/${at.subresource}`;
  return `${root}${scope}/${resource.plural}${name}${subresource}`;
}
