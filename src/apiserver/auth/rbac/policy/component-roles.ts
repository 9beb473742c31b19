import { allow, READ, writeEvents, type DefaultRole } from './notation.ts';

const CERTIFICATES = 'certificates.k8s.io';
const STORAGE = 'storage.k8s.io';

const reviews = [
  allow('create', 'authentication.k8s.io', 'tokenreviews'),
  allow('create', 'authorization.k8s.io', 'subjectaccessreviews'),
];

function approver(signer: string): DefaultRole {
  const rules = [allow('approve', CERTIFICATES, 'signers', `kubernetes.io/${signer}`)];
  return { name: `system:certificates.k8s.io:${signer}-approver`, rules };
}

function leaderLock(component: string): DefaultRole {
  const verbs = 'create get list update watch';
  return {
    name: `system::leader-locking-${component}`,
    namespace: 'kube-system',
    rules: [allow(verbs, 'coordination.k8s.io', 'leases'), allow(verbs, 'coordination.k8s.io', 'leasecandidates')],
  };
}

/** What the parts of a cluster need, node agents and proxies first. */
export const componentRoles: readonly DefaultRole[] = [
  {
    name: 'system:node',
    rules: [
      allow('create', 'authentication.k8s.io', 'tokenreviews'),
      allow('create', 'authorization.k8s.io', 'localsubjectaccessreviews subjectaccessreviews'),
      allow(READ, 'core', 'services'),
      allow(`create ${READ}`, 'core', 'nodes'),
      allow('patch update', 'core', 'nodes/status'),
      allow('patch update', 'core', 'nodes'),
      allow('create patch update', 'core', 'events'),
      allow(READ, 'core', 'pods'),
      allow('create delete', 'core', 'pods'),
      allow('patch update', 'core', 'pods/status'),
      allow('create', 'core', 'pods/eviction'),
      allow(READ, 'core', 'configmaps secrets'),
      allow('get', 'core', 'persistentvolumeclaims persistentvolumes'),
      allow('get', 'core', 'endpoints'),
      allow(`create ${READ}`, CERTIFICATES, 'certificatesigningrequests'),
      allow('create delete get patch update', 'coordination.k8s.io', 'leases'),
      allow('get', STORAGE, 'volumeattachments'),
      allow('create', 'core', 'serviceaccounts/token'),
      allow('get patch update', 'core', 'persistentvolumeclaims/status'),
      allow(READ, STORAGE, 'csidrivers'),
      allow('create delete get patch update', STORAGE, 'csinodes'),
      allow(READ, 'node.k8s.io', 'runtimeclasses'),
    ],
  },
  {
    name: 'system:node-proxier',
    rules: [
      allow('list watch', 'core', 'endpoints services'),
      allow(READ, 'core', 'nodes'),
      writeEvents,
      allow('list watch', 'discovery.k8s.io', 'endpointslices'),
      allow('list watch', 'networking.k8s.io', 'servicecidrs'),
    ],
  },
  { name: 'system:kube-dns', rules: [allow('list watch', 'core', 'endpoints services')] },
  {
    // Not one of Kubernetes' own, but what its installers give CoreDNS; ours asks for the same.
    name: 'system:coredns',
    rules: [
      allow('list watch', 'core', 'endpoints namespaces pods services'),
      allow('list watch', 'discovery.k8s.io', 'endpointslices'),
    ],
  },
  {
    name: 'system:kube-controller-manager',
    rules: [
      writeEvents,
      allow('create', 'coordination.k8s.io', 'leases'),
      allow('get update', 'coordination.k8s.io', 'leases', 'kube-controller-manager'),
      allow('create', 'core', 'secrets serviceaccounts'),
      allow('delete', 'core', 'secrets'),
      allow('get', 'core', 'configmaps namespaces secrets serviceaccounts'),
      allow('update', 'core', 'secrets serviceaccounts'),
      ...reviews,
      allow('list watch', '*', '*'),
      allow('create', 'core', 'serviceaccounts/token'),
    ],
  },
  {
    name: 'system:kube-scheduler',
    rules: [
      writeEvents,
      allow('create', 'coordination.k8s.io', 'leases'),
      allow('get update', 'coordination.k8s.io', 'leases', 'kube-scheduler'),
      allow(READ, 'core', 'nodes'),
      allow(`delete ${READ}`, 'core', 'pods'),
      allow('create', 'core', 'bindings pods/binding'),
      allow('patch update', 'core', 'pods/status'),
      allow(READ, 'core', 'replicationcontrollers services'),
      allow(READ, 'apps extensions', 'replicasets'),
      allow(READ, 'apps', 'statefulsets'),
      allow(READ, 'policy', 'poddisruptionbudgets'),
      allow(READ, 'core', 'persistentvolumeclaims persistentvolumes'),
      ...reviews,
      allow(READ, STORAGE, 'csinodes'),
      allow(READ, 'core', 'namespaces'),
      allow(READ, STORAGE, 'csidrivers'),
      allow(READ, STORAGE, 'csistoragecapacities'),
    ],
  },
  {
    name: 'system:volume-scheduler',
    rules: [
      allow(`patch update ${READ}`, 'core', 'persistentvolumes'),
      allow(READ, STORAGE, 'storageclasses'),
      allow(`patch update ${READ}`, 'core', 'persistentvolumeclaims'),
    ],
  },
  { name: 'system:auth-delegator', rules: reviews },
  {
    name: 'system:heapster',
    rules: [allow(READ, 'core', 'events namespaces nodes pods'), allow(READ, 'extensions', 'deployments')],
  },
  { name: 'system:kube-aggregator', rules: [allow(READ, 'core', 'endpoints services')] },
  {
    name: 'system:kubelet-api-admin',
    rules: [
      allow(READ, 'core', 'nodes'),
      allow('proxy', 'core', 'nodes'),
      allow('*', 'core', 'nodes/log nodes/metrics nodes/proxy nodes/stats'),
    ],
  },
  {
    name: 'system:node-bootstrapper',
    rules: [allow(`create ${READ}`, CERTIFICATES, 'certificatesigningrequests')],
  },
  {
    name: 'system:node-problem-detector',
    rules: [allow('get', 'core', 'nodes'), allow('patch', 'core', 'nodes/status'), writeEvents],
  },
  {
    name: 'system:persistent-volume-provisioner',
    rules: [
      allow(`create delete ${READ}`, 'core', 'persistentvolumes'),
      allow(`update ${READ}`, 'core', 'persistentvolumeclaims'),
      allow(READ, STORAGE, 'storageclasses'),
      allow('watch', 'core', 'events'),
      writeEvents,
    ],
  },
  ...['nodeclient', 'selfnodeclient'].map((kind) => ({
    name: `system:certificates.k8s.io:certificatesigningrequests:${kind}`,
    rules: [allow('create', CERTIFICATES, `certificatesigningrequests/${kind}`)],
  })),
  ...['kube-apiserver-client', 'kube-apiserver-client-kubelet', 'kubelet-serving', 'legacy-unknown'].map(approver),
  {
    name: 'extension-apiserver-authentication-reader',
    namespace: 'kube-system',
    rules: [allow(READ, 'core', 'configmaps', 'extension-apiserver-authentication')],
  },
  leaderLock('kube-controller-manager'),
  leaderLock('kube-scheduler'),
];
