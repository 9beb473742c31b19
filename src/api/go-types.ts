/**
 * Names that decoding errors mention. Clients and their users know them from a server written in Go, so a wrong type is
 * reported under the same names.
 */

/** Models whose name was made unique here. */
const RENAMED =
  /^(?:Core|Discovery|Events|Rbac|Apiextensions|Admissionregistration|Authentication|Storage|Flowcontrol)(?=[A-Z])/;

const V2 = /^(?:HorizontalPodAutoscaler|MetricSpec|MetricTarget|CrossVersionObjectReference|HPAScaling)/;

/** Models of an older version of a kind that has two. */
const OLDER = /V1$/;

export function goStruct(model: string): string {
  return model.replace(RENAMED, '').replace(OLDER, '');
}

/** String types with a name of their own, by model and field. */
export const NAMED: Readonly<Record<string, string>> = {
  'Container.imagePullPolicy': 'v1.PullPolicy',
  'Container.terminationMessagePolicy': 'v1.TerminationMessagePolicy',
  'ContainerPort.protocol': 'v1.Protocol',
  'DeploymentStrategy.type': 'v1.DeploymentStrategyType',
  'EndpointSlice.addressType': 'v1.AddressType',
  'HTTPGetAction.scheme': 'v1.URIScheme',
  'ObjectMeta.uid': 'types.UID',
  'PodSpec.dnsPolicy': 'v1.DNSPolicy',
  'PodSpec.restartPolicy': 'v1.RestartPolicy',
  'PodStatus.phase': 'v1.PodPhase',
  'Secret.type': 'v1.SecretType',
  'ServicePort.protocol': 'v1.Protocol',
  'ServiceSpec.externalTrafficPolicy': 'v1.ServiceExternalTrafficPolicy',
  'ServiceSpec.internalTrafficPolicy': 'v1.ServiceInternalTrafficPolicy',
  'ServiceSpec.ipFamilyPolicy': 'v1.IPFamilyPolicy',
  'ServiceSpec.sessionAffinity': 'v1.ServiceAffinity',
  'ServiceSpec.type': 'v1.ServiceType',
  'Toleration.effect': 'v1.TaintEffect',
  'Toleration.operator': 'v1.TolerationOperator',
};

const SCALARS: Readonly<Record<string, string>> = {
  boolean: 'bool',
  bytes: '[]uint8',
  double: 'float64',
  int32: 'int32',
  int64: 'int64',
  string: 'string',
};

/** The type of a field: `int32`, `[]v1.ServicePort`, `map[string]string`. */
export function goType(type: string, owner: string): string {
  if (type.startsWith('[]')) return `[]${goType(type.slice(2), '')}`;
  if (type.startsWith('{}')) return `map[string]${goType(type.slice(2), '')}`;
  const named = type === 'string' ? NAMED[owner] : undefined;
  return named ?? SCALARS[type] ?? `${V2.test(type) && !OLDER.test(type) ? 'v2' : 'v1'}.${goStruct(type)}`;
}
