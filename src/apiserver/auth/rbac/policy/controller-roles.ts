import type { PolicyRule } from '#api/generated/types.ts';
import { allow, READ, writeEvents, type DefaultRole } from './notation.ts';

const WRITE = 'create delete get list patch update watch';
const STORAGE = 'storage.k8s.io';
const WORKLOADS = 'apps extensions';

const makePods = allow('create delete list patch watch', 'core', 'pods');
const patchPodStatus = allow('patch update', 'core', 'pods/status');

/** A kind that a controller reads, and whose status and finalizers it sets. */
function own(groups: string, plural: string, verbs: string = `update ${READ}`): PolicyRule[] {
  return [
    allow(verbs, groups, plural),
    allow('update', groups, `${plural}/status`),
    allow('update', groups, `${plural}/finalizers`),
  ];
}

/** Rules of the controllers of Kubernetes, by the name of the account that each works as. */
const byController: Readonly<Record<string, readonly PolicyRule[]>> = {
  'attachdetach-controller': [
    allow('list watch', 'core', 'persistentvolumeclaims persistentvolumes'),
    allow(READ, 'core', 'nodes'),
    allow('patch update', 'core', 'nodes/status'),
    allow('list watch', 'core', 'pods'),
    writeEvents,
    allow(`create delete ${READ}`, STORAGE, 'volumeattachments'),
    allow(READ, STORAGE, 'csidrivers'),
    allow(READ, STORAGE, 'csinodes'),
  ],
  'certificate-controller': [
    allow(`delete ${READ}`, 'certificates.k8s.io', 'certificatesigningrequests'),
    allow('update', 'certificates.k8s.io', 'certificatesigningrequests/approval certificatesigningrequests/status'),
    allow('approve', 'certificates.k8s.io', 'signers', 'kubernetes.io/kube-apiserver-client-kubelet'),
    allow(
      'sign',
      'certificates.k8s.io',
      'signers',
      'kubernetes.io/kube-apiserver-client kubernetes.io/kube-apiserver-client-kubelet kubernetes.io/kubelet-serving kubernetes.io/legacy-unknown',
    ),
    allow('create', 'authorization.k8s.io', 'subjectaccessreviews'),
    writeEvents,
  ],
  'clusterrole-aggregation-controller': [
    allow(`escalate patch update ${READ}`, 'rbac.authorization.k8s.io', 'clusterroles'),
  ],
  'cronjob-controller': [
    ...own('batch', 'cronjobs'),
    allow(WRITE, 'batch', 'jobs'),
    allow('delete list watch', 'core', 'pods'),
    writeEvents,
  ],
  'daemon-set-controller': [
    ...own(WORKLOADS, 'daemonsets', READ),
    allow('list watch', 'core', 'nodes'),
    makePods,
    allow('create', 'core', 'pods/binding'),
    allow(WRITE, 'apps', 'controllerrevisions'),
    writeEvents,
  ],
  'deployment-controller': [
    ...own(WORKLOADS, 'deployments'),
    allow(WRITE, WORKLOADS, 'replicasets'),
    allow(`update ${READ}`, 'core', 'pods'),
    writeEvents,
  ],
  'disruption-controller': [
    allow(READ, WORKLOADS, 'deployments'),
    allow(READ, WORKLOADS, 'replicasets'),
    allow(READ, 'core', 'replicationcontrollers'),
    allow(READ, 'policy', 'poddisruptionbudgets'),
    allow(READ, 'apps', 'statefulsets'),
    allow('update', 'policy', 'poddisruptionbudgets/status'),
    patchPodStatus,
    allow('get', '*', '*/scale'),
    writeEvents,
  ],
  'endpoint-controller': [
    allow(READ, 'core', 'pods services'),
    allow(`create delete update ${READ}`, 'core', 'endpoints'),
    allow('create', 'core', 'endpoints/restricted'),
    writeEvents,
  ],
  'endpointslice-controller': [
    allow(READ, 'core', 'nodes pods services'),
    allow('update', 'core', 'services/finalizers'),
    allow(`create delete update ${READ}`, 'discovery.k8s.io', 'endpointslices'),
    writeEvents,
  ],
  'endpointslicemirroring-controller': [
    allow(READ, 'core', 'endpoints services'),
    allow('update', 'core', 'services/finalizers'),
    allow('update', 'core', 'endpoints/finalizers'),
    allow(`create delete update ${READ}`, 'discovery.k8s.io', 'endpointslices'),
    writeEvents,
  ],
  'ephemeral-volume-controller': [
    allow(READ, 'core', 'pods'),
    allow('update', 'core', 'pods/finalizers'),
    allow(`create ${READ}`, 'core', 'persistentvolumeclaims'),
    writeEvents,
  ],
  'expand-controller': [
    allow(`patch update ${READ}`, 'core', 'persistentvolumes'),
    allow('patch update', 'core', 'persistentvolumeclaims/status'),
    allow(READ, 'core', 'persistentvolumeclaims'),
    writeEvents,
  ],
  'generic-garbage-collector': [allow(`delete patch update ${READ}`, '*', '*'), writeEvents],
  'horizontal-pod-autoscaler': [
    allow(READ, 'autoscaling', 'horizontalpodautoscalers'),
    allow('update', 'autoscaling', 'horizontalpodautoscalers/status'),
    allow('get update', '*', '*/scale'),
    allow('list watch', 'core', 'pods'),
    allow('list watch', 'metrics.k8s.io', 'pods'),
    allow(READ, 'custom.metrics.k8s.io', '*'),
    allow(READ, 'external.metrics.k8s.io', '*'),
    writeEvents,
  ],
  'job-controller': [...own('batch', 'jobs', `patch update ${READ}`), makePods, writeEvents],
  'legacy-service-account-token-cleaner': [
    allow('get', 'core', 'configmaps', 'kube-apiserver-legacy-service-account-token-tracking'),
    allow('delete patch', 'core', 'secrets'),
  ],
  'namespace-controller': [
    allow(`delete ${READ}`, 'core', 'namespaces'),
    allow('update', 'core', 'namespaces/finalize namespaces/status'),
    allow(`delete deletecollection ${READ}`, '*', '*'),
  ],
  'node-controller': [
    allow(`delete patch update ${READ}`, 'core', 'nodes'),
    allow('patch update', 'core', 'nodes/status'),
    patchPodStatus,
    allow(`delete ${READ}`, 'core', 'pods'),
    writeEvents,
  ],
  'persistent-volume-binder': [
    allow(`create delete update ${READ}`, 'core', 'persistentvolumes'),
    allow('update', 'core', 'persistentvolumes/status'),
    allow(`update ${READ}`, 'core', 'persistentvolumeclaims'),
    allow('update', 'core', 'persistentvolumeclaims/status'),
    allow(`create delete ${READ}`, 'core', 'pods'),
    allow(READ, STORAGE, 'storageclasses'),
    allow('list watch', 'core', 'nodes'),
    writeEvents,
    allow('watch', 'core', 'events'),
  ],
  'pod-garbage-collector': [
    allow('delete list watch', 'core', 'pods'),
    allow(READ, 'core', 'nodes'),
    allow('patch', 'core', 'pods/status'),
  ],
  'pv-protection-controller': [allow(`update ${READ}`, 'core', 'persistentvolumes'), writeEvents],
  'pvc-protection-controller': [
    allow(`update ${READ}`, 'core', 'persistentvolumeclaims'),
    allow('update', 'core', 'persistentvolumeclaims/status'),
    allow(READ, 'core', 'pods'),
    writeEvents,
  ],
  'replicaset-controller': [...own(WORKLOADS, 'replicasets'), makePods, writeEvents],
  'replication-controller': [...own('core', 'replicationcontrollers'), makePods, writeEvents],
  'resourcequota-controller': [
    allow('list watch', '*', '*'),
    allow('update', 'core', 'resourcequotas/status'),
    writeEvents,
  ],
  'root-ca-cert-publisher': [allow('create update', 'core', 'configmaps'), writeEvents],
  'route-controller': [allow('list watch', 'core', 'nodes'), allow('patch', 'core', 'nodes/status'), writeEvents],
  'service-account-controller': [allow('create', 'core', 'serviceaccounts'), writeEvents],
  'service-cidrs-controller': [
    allow(`patch update ${READ}`, 'networking.k8s.io', 'servicecidrs'),
    allow('patch update', 'networking.k8s.io', 'servicecidrs/finalizers'),
    allow('patch update', 'networking.k8s.io', 'servicecidrs/status'),
    allow(READ, 'networking.k8s.io', 'ipaddresses'),
    writeEvents,
  ],
  'service-controller': [
    allow(READ, 'core', 'services'),
    allow('patch update', 'core', 'services/status'),
    allow('list watch', 'core', 'nodes'),
    writeEvents,
  ],
  'statefulset-controller': [
    allow('list watch', 'core', 'pods'),
    ...own('apps', 'statefulsets', READ),
    allow('create delete get patch update', 'core', 'pods'),
    allow(WRITE, 'apps', 'controllerrevisions'),
    allow(`create ${READ}`, 'core', 'persistentvolumeclaims'),
    allow('delete update', 'core', 'persistentvolumeclaims'),
    allow('update', 'core', 'pods/finalizers'),
    writeEvents,
  ],
  'ttl-after-finished-controller': [allow(`delete ${READ}`, 'batch', 'jobs'), writeEvents],
  'ttl-controller': [allow('list patch update watch', 'core', 'nodes'), writeEvents],
};

/** Controllers whose work is in one namespace only. */
const inNamespace: readonly DefaultRole[] = [
  {
    name: 'system:controller:bootstrap-signer',
    namespace: 'kube-public',
    rules: [allow(READ, 'core', 'configmaps'), allow('update', 'core', 'configmaps', 'cluster-info'), writeEvents],
  },
  {
    name: 'system:controller:bootstrap-signer',
    namespace: 'kube-system',
    rules: [allow(READ, 'core', 'secrets')],
  },
  {
    name: 'system:controller:cloud-provider',
    namespace: 'kube-system',
    rules: [allow(`create ${READ}`, 'core', 'configmaps')],
  },
  {
    name: 'system:controller:token-cleaner',
    namespace: 'kube-system',
    rules: [allow(`delete ${READ}`, 'core', 'secrets'), writeEvents],
  },
];

export const controllerRoles: readonly DefaultRole[] = [
  ...Object.entries(byController).map(([name, rules]) => ({ name: `system:controller:${name}`, rules })),
  ...inNamespace,
];
