import { allow, allowPaths, CHANGE, READ, READ_AND_CHANGE, type DefaultRole } from './notation.ts';

const WORKLOADS =
  'daemonsets deployments deployments/scale replicasets replicasets/scale statefulsets statefulsets/scale';
const STREAMS = 'pods/attach pods/exec pods/portforward pods/proxy';
/** The group that workloads and ingresses were in long ago; rules of old manifests and tools still name it. */
const OLD_WORKLOADS =
  'daemonsets deployments deployments/scale ingresses networkpolicies replicasets replicasets/scale replicationcontrollers/scale';

/** What people are given: everything, a namespace's administration, its work, or a look at it. */
export const userRoles: readonly DefaultRole[] = [
  { name: 'cluster-admin', rules: [allow('*', '*', '*'), { verbs: ['*'], nonResourceURLs: ['*'] }] },
  { name: 'admin', rules: [], gathers: 'aggregate-to-admin' },
  { name: 'edit', rules: [], gathers: 'aggregate-to-edit', gatheredBy: 'aggregate-to-admin' },
  { name: 'view', rules: [], gathers: 'aggregate-to-view', gatheredBy: 'aggregate-to-edit' },
  {
    name: 'system:aggregate-to-admin',
    gatheredBy: 'aggregate-to-admin',
    rules: [
      allow('create', 'authorization.k8s.io', 'localsubjectaccessreviews'),
      allow(READ_AND_CHANGE, 'rbac.authorization.k8s.io', 'rolebindings roles'),
    ],
  },
  {
    name: 'system:aggregate-to-edit',
    gatheredBy: 'aggregate-to-edit',
    rules: [
      allow(READ, 'core', `${STREAMS} secrets services/proxy`),
      allow('impersonate', 'core', 'serviceaccounts'),
      allow(CHANGE, 'core', `pods ${STREAMS}`),
      allow('create', 'core', 'pods/eviction'),
      allow(
        CHANGE,
        'core',
        'configmaps events persistentvolumeclaims replicationcontrollers replicationcontrollers/scale secrets serviceaccounts services services/proxy',
      ),
      allow('create', 'core', 'serviceaccounts/token'),
      allow(CHANGE, 'apps', `${WORKLOADS} deployments/rollback`),
      allow(CHANGE, 'autoscaling', 'horizontalpodautoscalers'),
      allow(CHANGE, 'batch', 'cronjobs jobs'),
      allow(CHANGE, 'extensions', `${OLD_WORKLOADS} deployments/rollback`),
      allow(CHANGE, 'policy', 'poddisruptionbudgets'),
      allow(CHANGE, 'networking.k8s.io', 'ingresses networkpolicies'),
      allow(READ_AND_CHANGE, 'coordination.k8s.io', 'leases'),
      allow(CHANGE, 'resource.k8s.io', 'resourceclaims resourceclaimtemplates'),
    ],
  },
  {
    name: 'system:aggregate-to-view',
    gatheredBy: 'aggregate-to-view',
    rules: [
      allow(
        READ,
        'core',
        'configmaps endpoints persistentvolumeclaims persistentvolumeclaims/status pods replicationcontrollers replicationcontrollers/scale serviceaccounts services services/status',
      ),
      allow(
        READ,
        'core',
        'bindings events limitranges namespaces/status pods/log pods/status replicationcontrollers/status resourcequotas resourcequotas/status',
      ),
      allow(READ, 'core', 'namespaces'),
      allow(READ, 'discovery.k8s.io', 'endpointslices'),
      allow(
        READ,
        'apps',
        `controllerrevisions ${WORKLOADS} daemonsets/status deployments/status replicasets/status statefulsets/status`,
      ),
      allow(READ, 'autoscaling', 'horizontalpodautoscalers horizontalpodautoscalers/status'),
      allow(READ, 'batch', 'cronjobs cronjobs/status jobs jobs/status'),
      allow(
        READ,
        'extensions',
        `${OLD_WORKLOADS} daemonsets/status deployments/status ingresses/status replicasets/status`,
      ),
      allow(READ, 'policy', 'poddisruptionbudgets poddisruptionbudgets/status'),
      allow(READ, 'networking.k8s.io', 'ingresses ingresses/status networkpolicies'),
      allow(READ, 'resource.k8s.io', 'resourceclaims resourceclaims/status resourceclaimtemplates'),
    ],
  },
  {
    name: 'system:basic-user',
    rules: [
      allow('create', 'authorization.k8s.io', 'selfsubjectaccessreviews selfsubjectrulesreviews'),
      allow('create', 'authentication.k8s.io', 'selfsubjectreviews'),
    ],
  },
  {
    name: 'system:discovery',
    rules: [allowPaths('/api /api/* /apis /apis/* /healthz /livez /openapi /openapi/* /readyz /version /version/')],
  },
  { name: 'system:public-info-viewer', rules: [allowPaths('/healthz /livez /readyz /version /version/')] },
  {
    name: 'system:monitoring',
    rules: [allowPaths('/healthz /healthz/* /livez /livez/* /metrics /metrics/slis /readyz /readyz/*')],
  },
  {
    name: 'system:service-account-issuer-discovery',
    rules: [allowPaths('/.well-known/openid-configuration /openid/v1/jwks')],
  },
];
