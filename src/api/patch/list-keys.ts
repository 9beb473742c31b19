/**
 * How lists (and a few structs) of the built-in models are merged: the facts that Kubernetes keeps in struct tags and no
 * npm package carries. A list that is not named here is atomic and is replaced whole.
 */
export interface FieldMerge {
  /** What a strategic merge patch does with the field. */
  readonly strategy: 'replace' | 'merge';
  /** The field that says which items of a merged list are the same; absent for lists of scalars. */
  readonly mergeKey: string | undefined;
  /** The patch names the keys that stay (`$retainKeys`): unions, where an old member must go when a new one comes. */
  readonly retainKeys: boolean;
  /** What server-side apply does with a list. */
  readonly listType: 'atomic' | 'set' | 'map';
  readonly mapKeys: readonly string[];
}

/**
 * `merge=K` strategy merge, key K (`merge` alone: a list of scalars); `map=K,L` list type map; `set` list type set;
 * `retainKeys`, `replace` as they say. `=` alone after map means the merge key.
 */
const MERGES: Readonly<Record<string, Readonly<Record<string, string>>>> = {
  CSIDriverSpec: { volumeLifecycleModes: 'set' },
  CSINodeSpec: { drivers: 'merge=name map=' },
  ObjectMeta: { ownerReferences: 'merge=uid map=', finalizers: 'merge set' },
  PodSpec: {
    containers: 'merge=name map=',
    ephemeralContainers: 'merge=name map=',
    hostAliases: 'merge=ip map=',
    imagePullSecrets: 'merge=name map=',
    initContainers: 'merge=name map=',
    resourceClaims: 'merge=name map= retainKeys',
    schedulingGates: 'merge=name map=',
    topologySpreadConstraints: 'merge=topologyKey map=topologyKey,whenUnsatisfiable',
    volumes: 'merge=name map= retainKeys',
  },
  PodStatus: {
    conditions: 'merge=type map=',
    hostIPs: 'merge=ip',
    podIPs: 'merge=ip map=',
    resourceClaimStatuses: 'merge=name map= retainKeys',
  },
  Container: {
    env: 'merge=name map=',
    ports: 'merge=containerPort map=containerPort,protocol',
    volumeDevices: 'merge=devicePath map=',
    volumeMounts: 'merge=mountPath map=',
  },
  EphemeralContainer: {
    env: 'merge=name map=',
    ports: 'merge=containerPort map=containerPort,protocol',
    volumeDevices: 'merge=devicePath map=',
    volumeMounts: 'merge=mountPath map=',
  },
  ContainerStatus: { allocatedResourcesStatus: 'merge=name map=', volumeMounts: 'merge=mountPath map=' },
  ResourceStatus: { resources: 'map=resourceID' },
  ResourceRequirements: { claims: 'map=name' },
  ServiceSpec: { ports: 'merge=port map=port,protocol' },
  ServiceStatus: { conditions: 'merge=type map=' },
  ServiceAccount: { secrets: 'merge=name map=' },
  NamespaceStatus: { conditions: 'merge=type map=' },
  NodeSpec: { podCIDRs: 'merge set' },
  NodeStatus: { addresses: 'merge=type map=', conditions: 'merge=type map=' },
  PersistentVolumeClaimStatus: { conditions: 'merge=type map=' },
  ReplicationControllerStatus: { conditions: 'merge=type map=' },
  DeploymentSpec: { strategy: 'retainKeys' },
  DeploymentStatus: { conditions: 'merge=type map=' },
  ReplicaSetStatus: { conditions: 'merge=type map=' },
  StatefulSetStatus: { conditions: 'merge=type map=' },
  DaemonSetStatus: { conditions: 'merge=type map=' },
  JobStatus: { conditions: 'merge=type' },
  UncountedTerminatedPods: { failed: 'set', succeeded: 'set' },
  PodFailurePolicyOnExitCodesRequirement: { values: 'set' },
  ContainerRestartRuleOnExitCodes: { values: 'set' },
  Endpoint: { addresses: 'set' },
  ServiceCIDRStatus: { conditions: 'merge=type map=' },
  PodDisruptionBudgetSpec: { selector: 'replace' },
  PodDisruptionBudgetStatus: { conditions: 'merge=type map=' },
  HorizontalPodAutoscalerStatus: { conditions: 'merge=type map=' },
  CustomResourceDefinitionStatus: { conditions: 'map=type' },
  JSONSchemaProps: { 'x-kubernetes-validations': 'merge=rule map=' },
};

/** Models that server-side apply owns as a whole (x-kubernetes-map-type: atomic). */
const ATOMIC_MODELS: ReadonlySet<string> = new Set([
  'ConfigMapKeySelector',
  'CoreEndpointPort',
  'DiscoveryEndpointPort',
  'EndpointAddress',
  'LabelSelector',
  'LocalObjectReference',
  'NodeSelector',
  'NodeSelectorTerm',
  'ObjectFieldSelector',
  'ObjectReference',
  'OwnerReference',
  'RbacSubject',
  'ResourceFieldSelector',
  'RoleRef',
  'ScopeSelector',
  'SecretKeySelector',
  'SecretReference',
  'ServiceBackendPort',
  'TopologySelectorTerm',
  'TypedLocalObjectReference',
]);

/** Maps of scalars that server-side apply owns as a whole. */
const ATOMIC_MAPS: ReadonlySet<string> = new Set([
  'ServiceSpec.selector',
  'PodSpec.nodeSelector',
  'ReplicationControllerSpec.selector',
]);

const REPLACED: FieldMerge = Object.freeze({
  strategy: 'replace',
  mergeKey: undefined,
  retainKeys: false,
  listType: 'atomic',
  mapKeys: [],
});

const MERGED: FieldMerge = Object.freeze({ ...REPLACED, strategy: 'merge' });

const parsed = new Map<string, FieldMerge>(
  Object.entries(MERGES).flatMap(([model, fields]) =>
    Object.entries(fields).map(([field, text]): [string, FieldMerge] => [`${model}.${field}`, parseMerge(text)]),
  ),
);

/** How to merge a list-valued field. `model` undefined (an unknown type, a free-form value): replace. */
export function listMerge(model: string | undefined, field: string): FieldMerge {
  return parsed.get(`${model ?? ''}.${field}`) ?? REPLACED;
}

/** How to merge an object-valued field: member by member, but for a few that are replaced. */
export function objectMerge(model: string | undefined, field: string): FieldMerge {
  return parsed.get(`${model ?? ''}.${field}`) ?? MERGED;
}

/** The fact in the table, if there is one: what OpenAPI documents say about the field. */
export function declaredMerge(model: string, field: string): FieldMerge | undefined {
  return parsed.get(`${model}.${field}`);
}

/** True when an object of this model, or this map-valued field, is one unit to server-side apply. */
export function isAtomicObject(model: string): boolean {
  return ATOMIC_MODELS.has(model);
}

export function isAtomicMap(model: string, field: string): boolean {
  return ATOMIC_MAPS.has(`${model}.${field}`);
}

/** Every field of the table as `Model.field`, for the test that the models still have them. */
export function declaredFields(): string[] {
  return [...parsed.keys()];
}

function parseMerge(text: string): FieldMerge {
  const words = new Map(
    text.split(' ').map((word): [string, string] => {
      const [name = '', value = ''] = word.split('=');
      return [name, value];
    }),
  );
  const mergeKey = words.get('merge') || undefined;
  const map = words.get('map');
  const mapKeys = map === undefined ? [] : (map || (mergeKey ?? '')).split(',');
  const strategy = words.has('replace') || (!words.has('merge') && !words.has('retainKeys')) ? 'replace' : 'merge';
  return Object.freeze({
    strategy,
    mergeKey,
    retainKeys: words.has('retainKeys'),
    listType: map === undefined ? (words.has('set') ? 'set' : 'atomic') : 'map',
    mapKeys,
  });
}
