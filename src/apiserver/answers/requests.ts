import type { AnswerRequest } from './answer-case.ts';

export const TABLE = 'application/json;as=Table;v=v1;g=meta.k8s.io';
export const PARTIAL = 'application/json;as=PartialObjectMetadata;v=v1;g=meta.k8s.io';

/** Where objects of a kind are, and how they name it. */
export interface KindPath {
  readonly apiVersion: string;
  readonly kind: string;
  readonly path: string;
}

function kindPath(apiVersion: string, kind: string, plural: string, namespaced: boolean = true): KindPath {
  const root = apiVersion.includes('/') ? `/apis/${apiVersion}` : `/api/${apiVersion}`;
  return { apiVersion, kind, path: `${root}${namespaced ? '/namespaces/default' : ''}/${plural}` };
}

export type KindName =
  | 'namespace'
  | 'node'
  | 'pod'
  | 'configMap'
  | 'secret'
  | 'serviceAccount'
  | 'event'
  | 'replicationController'
  | 'persistentVolume'
  | 'persistentVolumeClaim'
  | 'limitRange'
  | 'resourceQuota'
  | 'endpoints'
  | 'deployment'
  | 'replicaSet'
  | 'statefulSet'
  | 'daemonSet'
  | 'controllerRevision'
  | 'job'
  | 'cronJob'
  | 'ingress'
  | 'ingressClass'
  | 'networkPolicy'
  | 'lease'
  | 'eventV1'
  | 'budget'
  | 'storageClass'
  | 'priorityClass'
  | 'runtimeClass'
  | 'volumeAttributesClass'
  | 'flowSchema'
  | 'priorityLevel'
  | 'certificateRequest'
  | 'policy'
  | 'policyBinding'
  | 'autoscaler'
  | 'autoscalerV1'
  | 'role'
  | 'clusterRole'
  | 'roleBinding'
  | 'clusterRoleBinding';

export const KINDS: Readonly<Record<KindName, KindPath>> = {
  namespace: kindPath('v1', 'Namespace', 'namespaces', false),
  node: kindPath('v1', 'Node', 'nodes', false),
  pod: kindPath('v1', 'Pod', 'pods'),
  configMap: kindPath('v1', 'ConfigMap', 'configmaps'),
  secret: kindPath('v1', 'Secret', 'secrets'),
  serviceAccount: kindPath('v1', 'ServiceAccount', 'serviceaccounts'),
  event: kindPath('v1', 'Event', 'events'),
  replicationController: kindPath('v1', 'ReplicationController', 'replicationcontrollers'),
  persistentVolume: kindPath('v1', 'PersistentVolume', 'persistentvolumes', false),
  persistentVolumeClaim: kindPath('v1', 'PersistentVolumeClaim', 'persistentvolumeclaims'),
  limitRange: kindPath('v1', 'LimitRange', 'limitranges'),
  resourceQuota: kindPath('v1', 'ResourceQuota', 'resourcequotas'),
  endpoints: kindPath('v1', 'Endpoints', 'endpoints'),
  deployment: kindPath('apps/v1', 'Deployment', 'deployments'),
  replicaSet: kindPath('apps/v1', 'ReplicaSet', 'replicasets'),
  statefulSet: kindPath('apps/v1', 'StatefulSet', 'statefulsets'),
  daemonSet: kindPath('apps/v1', 'DaemonSet', 'daemonsets'),
  controllerRevision: kindPath('apps/v1', 'ControllerRevision', 'controllerrevisions'),
  job: kindPath('batch/v1', 'Job', 'jobs'),
  cronJob: kindPath('batch/v1', 'CronJob', 'cronjobs'),
  ingress: kindPath('networking.k8s.io/v1', 'Ingress', 'ingresses'),
  ingressClass: kindPath('networking.k8s.io/v1', 'IngressClass', 'ingressclasses', false),
  networkPolicy: kindPath('networking.k8s.io/v1', 'NetworkPolicy', 'networkpolicies'),
  lease: kindPath('coordination.k8s.io/v1', 'Lease', 'leases'),
  eventV1: kindPath('events.k8s.io/v1', 'Event', 'events'),
  budget: kindPath('policy/v1', 'PodDisruptionBudget', 'poddisruptionbudgets'),
  storageClass: kindPath('storage.k8s.io/v1', 'StorageClass', 'storageclasses', false),
  priorityClass: kindPath('scheduling.k8s.io/v1', 'PriorityClass', 'priorityclasses', false),
  runtimeClass: kindPath('node.k8s.io/v1', 'RuntimeClass', 'runtimeclasses', false),
  volumeAttributesClass: kindPath('storage.k8s.io/v1', 'VolumeAttributesClass', 'volumeattributesclasses', false),
  flowSchema: kindPath('flowcontrol.apiserver.k8s.io/v1', 'FlowSchema', 'flowschemas', false),
  priorityLevel: kindPath(
    'flowcontrol.apiserver.k8s.io/v1',
    'PriorityLevelConfiguration',
    'prioritylevelconfigurations',
    false,
  ),
  certificateRequest: kindPath(
    'certificates.k8s.io/v1',
    'CertificateSigningRequest',
    'certificatesigningrequests',
    false,
  ),
  policy: kindPath(
    'admissionregistration.k8s.io/v1',
    'ValidatingAdmissionPolicy',
    'validatingadmissionpolicies',
    false,
  ),
  policyBinding: kindPath(
    'admissionregistration.k8s.io/v1',
    'ValidatingAdmissionPolicyBinding',
    'validatingadmissionpolicybindings',
    false,
  ),
  autoscaler: kindPath('autoscaling/v2', 'HorizontalPodAutoscaler', 'horizontalpodautoscalers'),
  autoscalerV1: kindPath('autoscaling/v1', 'HorizontalPodAutoscaler', 'horizontalpodautoscalers'),
  role: kindPath('rbac.authorization.k8s.io/v1', 'Role', 'roles'),
  clusterRole: kindPath('rbac.authorization.k8s.io/v1', 'ClusterRole', 'clusterroles', false),
  roleBinding: kindPath('rbac.authorization.k8s.io/v1', 'RoleBinding', 'rolebindings'),
  clusterRoleBinding: kindPath('rbac.authorization.k8s.io/v1', 'ClusterRoleBinding', 'clusterrolebindings', false),
};

/** Creates the object `x` of a kind. */
export function create(name: KindName, fields: object = {}, query: string = ''): AnswerRequest {
  const { apiVersion, kind, path } = KINDS[name];
  const { metadata, ...rest } = fields as { readonly metadata?: object };
  return {
    method: 'POST',
    path: `${path}${query}`,
    body: { apiVersion, kind, metadata: { name: 'x', ...metadata }, ...rest },
  };
}

/** Puts another in its place. */
export function replace(name: KindName, fields: object, below: string = ''): AnswerRequest {
  const { path, body } = create(name, fields);
  return { method: 'PUT', path: `${path}/x${below}`, body };
}

export function read(name: KindName, below: string = '/x', accept?: string): AnswerRequest {
  return { method: 'GET', path: `${KINDS[name].path}${below}`, ...(accept === undefined ? {} : { accept }) };
}

export type PatchType = 'json' | 'merge' | 'strategic-merge';

export function patch(name: KindName, type: PatchType, body: unknown, below: string = ''): AnswerRequest {
  return {
    method: 'PATCH',
    path: `${KINDS[name].path}/x${below}`,
    body,
    contentType: `application/${type}-patch+json`,
  };
}

export function apply(name: KindName, manager: string, fields: object, query: string = ''): AnswerRequest {
  const { apiVersion, kind, path } = KINDS[name];
  const { metadata, ...rest } = fields as { readonly metadata?: object };
  return {
    method: 'PATCH',
    path: `${path}/x?fieldManager=${manager}${query}`,
    body: { apiVersion, kind, metadata: { name: 'x', ...metadata }, ...rest },
    contentType: 'application/apply-patch+yaml',
  };
}

export function remove(name: KindName, body?: unknown, query: string = ''): AnswerRequest {
  return { method: 'DELETE', path: `${KINDS[name].path}/x${query}`, ...(body === undefined ? {} : { body }) };
}

export const CONTAINER: object = { name: 'c', image: 'busybox' };
export const LABELS: object = { app: 'x' };
export const TEMPLATE: object = { metadata: { labels: LABELS }, spec: { containers: [CONTAINER] } };
export const SELECTOR: object = { matchLabels: LABELS };
