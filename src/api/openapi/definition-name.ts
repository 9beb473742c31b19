import { fieldsOf, isModel } from '../patch/field-type.ts';
import type { GroupVersionKind, OpenApiKind, OpenApiSubresource } from './openapi-kind.ts';

const META = 'io.k8s.apimachinery.pkg.apis.meta.v1';

/** Models of apimachinery, which belong to no API group. */
const META_MODELS: ReadonlySet<string> = new Set([
  'Condition',
  'DeleteOptions',
  'FieldSelectorRequirement',
  'LabelSelector',
  'LabelSelectorRequirement',
  'ManagedFieldsEntry',
  'ObjectMeta',
  'OwnerReference',
  'Preconditions',
]);

/** Models whose name in FIELDS has the group in front, because two groups have one of that name. */
const RENAMED: Readonly<Record<string, string>> = {
  ApiextensionsServiceReference: 'ServiceReference',
  ApiextensionsWebhookClientConfig: 'WebhookClientConfig',
  AuthenticationTokenRequest: 'TokenRequest',
  CoreEndpointPort: 'EndpointPort',
  CoreEvent: 'Event',
  CoreEventSeries: 'EventSeries',
  CoreResourceClaim: 'ResourceClaim',
  CrossVersionObjectReferenceV1: 'CrossVersionObjectReference',
  DiscoveryEndpointPort: 'EndpointPort',
  EventsEvent: 'Event',
  EventsEventSeries: 'EventSeries',
  HorizontalPodAutoscalerSpecV1: 'HorizontalPodAutoscalerSpec',
  HorizontalPodAutoscalerStatusV1: 'HorizontalPodAutoscalerStatus',
  HorizontalPodAutoscalerV1: 'HorizontalPodAutoscaler',
  RbacSubject: 'Subject',
};

/** Definitions of types that the field table writes as scalars. */
export const SCALAR_DEFINITIONS: Readonly<Record<string, string>> = {
  time: `${META}.Time`,
  microTime: `${META}.MicroTime`,
  fields: `${META}.FieldsV1`,
  patch: `${META}.Patch`,
  listMeta: `${META}.ListMeta`,
  intOrString: 'io.k8s.apimachinery.pkg.util.intstr.IntOrString',
  quantity: 'io.k8s.apimachinery.pkg.api.resource.Quantity',
  json: 'io.k8s.apiextensions-apiserver.pkg.apis.apiextensions.v1.JSON',
};

/** `io.k8s.api.apps.v1`; custom groups are written backwards: `com.example.v1`. */
function packageOf(group: string, version: string): string {
  if (group === 'apiextensions.k8s.io') return `io.k8s.apiextensions-apiserver.pkg.apis.apiextensions.${version}`;
  if (group === '') return `io.k8s.api.core.${version}`;
  if (!group.includes('.') || group.endsWith('.k8s.io')) return `io.k8s.api.${group.split('.')[0] ?? group}.${version}`;
  return `${group.split('.').reverse().join('.')}.${version}`;
}

export function kindDefinitionName(kind: GroupVersionKind): string {
  return `${packageOf(kind.group, kind.version)}.${kind.kind}`;
}

/**
 * The definition name of every model that the kinds reach. A model belongs to the group of the first kind that reaches
 * it, core kinds first: PodTemplateSpec is core's, although Deployments have it too.
 */
export function definitionNames(kinds: readonly OpenApiKind[]): ReadonlyMap<string, string> {
  const names = new Map([['DeleteOptions', `${META}.DeleteOptions`]]);
  for (const subresource of kinds.flatMap((kind) => kind.subresources)) {
    const model = subresourceModel(subresource);
    if (model !== undefined && subresource.kind !== undefined) names.set(model, kindDefinitionName(subresource.kind));
  }
  const roots = [...kinds].sort((a, b) => Number(a.group !== '') - Number(b.group !== ''));
  for (const kind of roots) if (kind.model !== undefined) names.set(kind.model, kindDefinitionName(kind));
  for (const kind of roots) {
    for (const model of reachableFrom(kind)) {
      if (names.has(model)) continue;
      const home = META_MODELS.has(model) ? META : packageOf(kind.group, kind.version);
      names.set(model, `${home}.${RENAMED[model] ?? model}`);
    }
  }
  return names;
}

/** The model of a subresource that speaks another kind than its resource: Scale, Eviction, TokenRequest. */
export function subresourceModel({ kind }: OpenApiSubresource): string | undefined {
  if (kind === undefined) return undefined;
  return isModel(kind.kind) ? kind.kind : Object.keys(RENAMED).find((model) => RENAMED[model] === kind.kind);
}

/** Every model that the kind and its subresources name. */
export function reachableFrom(kind: OpenApiKind): ReadonlySet<string> {
  const seen = new Set<string>();
  if (kind.schema !== undefined) reachable('ObjectMeta', seen);
  for (const model of [kind.model, ...kind.subresources.map((subresource) => subresourceModel(subresource))]) {
    if (model !== undefined) reachable(model, seen);
  }
  return seen;
}

function reachable(model: string, seen: Set<string>): void {
  if (seen.has(model)) return;
  seen.add(model);
  for (const { type } of fieldsOf(model).values()) {
    const base = type.replaceAll(/\[\]|\{\}/g, '');
    if (isModel(base)) reachable(base, seen);
  }
}

/** The schema of a custom kind, which has the metadata of all others. */
export function customSchema(
  { schema }: OpenApiKind,
  refPrefix: string,
): Readonly<Record<string, unknown>> | undefined {
  if (schema === undefined) return undefined;
  const properties = schema['properties'] as Readonly<Record<string, unknown>> | undefined;
  return { ...schema, properties: { ...properties, metadata: { $ref: `${refPrefix}${META}.ObjectMeta` } } };
}
