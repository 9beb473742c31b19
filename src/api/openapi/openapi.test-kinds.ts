import type { OpenApiKind, OpenApiSubresource } from './openapi-kind.ts';

const VERBS = ['create', 'delete', 'deletecollection', 'get', 'list', 'patch', 'update', 'watch'];
const STATUS: OpenApiSubresource = { name: 'status', verbs: ['get', 'patch', 'update'] };
const SCALE: OpenApiSubresource = {
  name: 'scale',
  verbs: ['get', 'patch', 'update'],
  kind: { group: 'autoscaling', version: 'v1', kind: 'Scale' },
};

function define(
  group: string,
  kind: string,
  plural: string,
  namespaced: boolean,
  subresources: readonly OpenApiSubresource[],
): OpenApiKind {
  return { group, version: 'v1', kind, plural, namespaced, model: kind, verbs: VERBS, subresources };
}

/** A few kinds of each sort for the tests of this folder. */
export const testKinds: readonly OpenApiKind[] = [
  define('', 'Namespace', 'namespaces', false, [STATUS]),
  define('', 'Pod', 'pods', true, [STATUS]),
  define('', 'Service', 'services', true, [STATUS]),
  define('', 'ConfigMap', 'configmaps', true, []),
  define('apps', 'Deployment', 'deployments', true, [STATUS, SCALE]),
  define('discovery.k8s.io', 'EndpointSlice', 'endpointslices', true, []),
  {
    ...define('example.com', 'CronTab', 'crontabs', true, []),
    model: undefined,
    schema: {
      type: 'object',
      properties: { spec: { type: 'object', properties: { cron: { type: 'string', nullable: true } } } },
    },
  },
];
