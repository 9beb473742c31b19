import type * as t from './generated/types.ts';
import type { KubeObject } from './object.ts';

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
/** Events by their newer name; one storage has both. */
export const newEvents: Resource<t.EventsEvent> = define('events.k8s.io', 'Event', 'events', true);
export const deployments: Resource<t.Deployment> = define('apps', 'Deployment', 'deployments', true);
export const replicaSets: Resource<t.ReplicaSet> = define('apps', 'ReplicaSet', 'replicasets', true);
export const endpointSlices: Resource<t.EndpointSlice> = define(
  'discovery.k8s.io',
  'EndpointSlice',
  'endpointslices',
  true,
);
export const leases: Resource<t.Lease> = define('coordination.k8s.io', 'Lease', 'leases', true);

export const replicationControllers: Resource<t.ReplicationController> = define(
  '',
  'ReplicationController',
  'replicationcontrollers',
  true,
);
export const podTemplates: Resource<t.PodTemplate> = define('', 'PodTemplate', 'podtemplates', true);
export const persistentVolumes: Resource<t.PersistentVolume> = define(
  '',
  'PersistentVolume',
  'persistentvolumes',
  false,
);
export const persistentVolumeClaims: Resource<t.PersistentVolumeClaim> = define(
  '',
  'PersistentVolumeClaim',
  'persistentvolumeclaims',
  true,
);
export const limitRanges: Resource<t.LimitRange> = define('', 'LimitRange', 'limitranges', true);
export const resourceQuotas: Resource<t.ResourceQuota> = define('', 'ResourceQuota', 'resourcequotas', true);
export const componentStatuses: Resource<t.ComponentStatus> = define('', 'ComponentStatus', 'componentstatuses', false);
export const statefulSets: Resource<t.StatefulSet> = define('apps', 'StatefulSet', 'statefulsets', true);
export const daemonSets: Resource<t.DaemonSet> = define('apps', 'DaemonSet', 'daemonsets', true);
export const controllerRevisions: Resource<t.ControllerRevision> = define(
  'apps',
  'ControllerRevision',
  'controllerrevisions',
  true,
);
export const jobs: Resource<t.Job> = define('batch', 'Job', 'jobs', true);
export const cronJobs: Resource<t.CronJob> = define('batch', 'CronJob', 'cronjobs', true);
export const ingresses: Resource<t.Ingress> = define('networking.k8s.io', 'Ingress', 'ingresses', true);
export const ingressClasses: Resource<t.IngressClass> = define(
  'networking.k8s.io',
  'IngressClass',
  'ingressclasses',
  false,
);
export const networkPolicies: Resource<t.NetworkPolicy> = define(
  'networking.k8s.io',
  'NetworkPolicy',
  'networkpolicies',
  true,
);
export const serviceCidrs: Resource<t.ServiceCIDR> = define('networking.k8s.io', 'ServiceCIDR', 'servicecidrs', false);
export const ipAddresses: Resource<t.IPAddress> = define('networking.k8s.io', 'IPAddress', 'ipaddresses', false);
export const podDisruptionBudgets: Resource<t.PodDisruptionBudget> = define(
  'policy',
  'PodDisruptionBudget',
  'poddisruptionbudgets',
  true,
);
export const storageClasses: Resource<t.StorageClass> = define(
  'storage.k8s.io',
  'StorageClass',
  'storageclasses',
  false,
);
export const volumeAttributesClasses: Resource<t.VolumeAttributesClass> = define(
  'storage.k8s.io',
  'VolumeAttributesClass',
  'volumeattributesclasses',
  false,
);
export const csiDrivers: Resource<t.CSIDriver> = define('storage.k8s.io', 'CSIDriver', 'csidrivers', false);
export const csiNodes: Resource<t.CSINode> = define('storage.k8s.io', 'CSINode', 'csinodes', false);
export const csiStorageCapacities: Resource<t.CSIStorageCapacity> = define(
  'storage.k8s.io',
  'CSIStorageCapacity',
  'csistoragecapacities',
  true,
);
export const volumeAttachments: Resource<t.VolumeAttachment> = define(
  'storage.k8s.io',
  'VolumeAttachment',
  'volumeattachments',
  false,
);
export const validatingWebhookConfigurations: Resource<t.ValidatingWebhookConfiguration> = define(
  'admissionregistration.k8s.io',
  'ValidatingWebhookConfiguration',
  'validatingwebhookconfigurations',
  false,
);
export const mutatingWebhookConfigurations: Resource<t.MutatingWebhookConfiguration> = define(
  'admissionregistration.k8s.io',
  'MutatingWebhookConfiguration',
  'mutatingwebhookconfigurations',
  false,
);
export const customResourceDefinitions: Resource<t.CustomResourceDefinition> = define(
  'apiextensions.k8s.io',
  'CustomResourceDefinition',
  'customresourcedefinitions',
  false,
);
export const priorityClasses: Resource<t.PriorityClass> = define(
  'scheduling.k8s.io',
  'PriorityClass',
  'priorityclasses',
  false,
);
export const horizontalPodAutoscalers: Resource<t.HorizontalPodAutoscaler> = define(
  'autoscaling',
  'HorizontalPodAutoscaler',
  'horizontalpodautoscalers',
  true,
);
export const horizontalPodAutoscalersV1: Resource<t.HorizontalPodAutoscalerV1> = Object.freeze({
  ...(horizontalPodAutoscalers as Resource<never>),
  version: 'v1',
});
export const runtimeClasses: Resource<t.RuntimeClass> = define('node.k8s.io', 'RuntimeClass', 'runtimeclasses', false);
export const validatingAdmissionPolicies: Resource<t.ValidatingAdmissionPolicy> = define(
  'admissionregistration.k8s.io',
  'ValidatingAdmissionPolicy',
  'validatingadmissionpolicies',
  false,
);
export const validatingAdmissionPolicyBindings: Resource<t.ValidatingAdmissionPolicyBinding> = define(
  'admissionregistration.k8s.io',
  'ValidatingAdmissionPolicyBinding',
  'validatingadmissionpolicybindings',
  false,
);
export const apiServices: Resource<t.APIService> = define('apiregistration.k8s.io', 'APIService', 'apiservices', false);
export const certificateSigningRequests: Resource<t.CertificateSigningRequest> = define(
  'certificates.k8s.io',
  'CertificateSigningRequest',
  'certificatesigningrequests',
  false,
);
const FLOW_CONTROL = 'flowcontrol.apiserver.k8s.io';
export const flowSchemas: Resource<t.FlowSchema> = define(FLOW_CONTROL, 'FlowSchema', 'flowschemas', false);
export const priorityLevelConfigurations: Resource<t.PriorityLevelConfiguration> = define(
  FLOW_CONTROL,
  'PriorityLevelConfiguration',
  'prioritylevelconfigurations',
  false,
);
const RBAC = 'rbac.authorization.k8s.io';
export const roles: Resource<t.Role> = define(RBAC, 'Role', 'roles', true);
export const roleBindings: Resource<t.RoleBinding> = define(RBAC, 'RoleBinding', 'rolebindings', true);
export const clusterRoles: Resource<t.ClusterRole> = define(RBAC, 'ClusterRole', 'clusterroles', false);
export const clusterRoleBindings: Resource<t.ClusterRoleBinding> = define(
  RBAC,
  'ClusterRoleBinding',
  'clusterrolebindings',
  false,
);

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
