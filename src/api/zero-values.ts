/**
 * Fields that mean the same when they are absent as when they are empty are stored absent, as the servers that clients
 * know do it: `clusterIP: ""` or `hostNetwork: false` in a manifest is not shown back.
 */

/** Optional strings where empty differs from absent. */
export const MEANINGFUL_EMPTY: ReadonlySet<string> = new Set([
  'CoreEvent.eventTime',
  'DiscoveryEndpointPort.appProtocol',
  'DiscoveryEndpointPort.name',
  'DiscoveryEndpointPort.protocol',
  'Endpoint.hostname',
  'Endpoint.nodeName',
  'Endpoint.zone',
  'EnvVar.value',
  'HostPathVolumeSource.type',
  'JobStatus.failedIndexes',
  'LeaseSpec.holderIdentity',
  'LeaseSpec.preferredHolder',
  'ObjectReference.fieldPath',
  'GRPCAction.service',
  'PersistentVolumeClaimSpec.storageClassName',
  'PersistentVolumeClaimSpec.volumeAttributesClassName',
  'PersistentVolumeSpec.volumeAttributesClassName',
  'PodSpec.hostnameOverride',
  'PodSpec.runtimeClassName',
  'ServicePort.appProtocol',
  'ServiceSpec.loadBalancerClass',
  'ServiceSpec.trafficDistribution',
  'TypedLocalObjectReference.apiGroup',
  'TypedObjectReference.apiGroup',
  'IngressSpec.ingressClassName',
]);

/** Optional numbers and booleans where zero and absent are one. All others may be set to zero on purpose. */
export const MEANINGLESS_ZERO: ReadonlySet<string> = new Set([
  'Container.stdin',
  'Container.stdinOnce',
  'Container.tty',
  'ContainerPort.hostPort',
  'DaemonSetSpec.minReadySeconds',
  'DeploymentSpec.minReadySeconds',
  'DeploymentSpec.paused',
  'NodeSpec.unschedulable',
  'PersistentVolumeClaimVolumeSource.readOnly',
  'PodSpec.hostIPC',
  'PodSpec.hostNetwork',
  'PodSpec.hostPID',
  'Probe.initialDelaySeconds',
  'ReplicaSetSpec.minReadySeconds',
  'ResourcePolicyRule.clusterScope',
  'ReplicationControllerSpec.minReadySeconds',
  'ServicePort.nodePort',
  'ServiceSpec.healthCheckNodePort',
  'ServiceSpec.publishNotReadyAddresses',
  'StatefulSetSpec.minReadySeconds',
  'VolumeMount.readOnly',
]);

/** Lists that are stored empty. */
export const MEANINGFUL_EMPTY_LIST: ReadonlySet<string> = new Set([
  'ClusterRole.rules',
  'EndpointSlice.endpoints',
  'EndpointSlice.ports',
  'Role.rules',
]);

export type ZeroRule = 'text' | 'zero' | 'list' | 'map';

/** What counts as absent in an optional field; undefined where everything but null is kept. */
export function zeroRule(model: string, field: string, type: string): ZeroRule | undefined {
  const key = `${model}.${field}`;
  if (type.startsWith('[]')) return MEANINGFUL_EMPTY_LIST.has(key) ? undefined : 'list';
  if (type.startsWith('{}')) return 'map';
  if (type === 'string') return MEANINGFUL_EMPTY.has(key) ? undefined : 'text';
  return MEANINGLESS_ZERO.has(key) ? 'zero' : undefined;
}

export function isZero(rule: ZeroRule, value: unknown): boolean {
  switch (rule) {
    case 'text':
      return value === '';
    case 'zero':
      return value === 0 || value === false;
    case 'list':
      return Array.isArray(value) && value.length === 0;
    case 'map':
      return isEmptyObject(value);
  }
}

function isEmptyObject(value: unknown): boolean {
  if (typeof value !== 'object' || value === null) return false;
  for (const _ in value) return false;
  return true;
}
