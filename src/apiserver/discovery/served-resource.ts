import type { KindDefinition } from '#api/kind.ts';
import type { OpenApiKind } from '#api/openapi/openapi-kind.ts';
import type { KindRegistry } from '#api/registry.ts';
import { reviewKinds } from '../verbs/review.ts';
import { usageKinds } from '../verbs/usage.ts';

export interface ServedSubresource {
  readonly name: string;
  readonly group: string;
  readonly version: string;
  readonly kind: string;
  readonly verbs: readonly string[];
}

/** A resource as discovery tells of it, stored or not. */
export interface ServedResource {
  readonly group: string;
  readonly version: string;
  readonly plural: string;
  readonly singular: string;
  readonly kind: string;
  readonly model: string;
  /** OpenAPI of a custom kind, which has no model. */
  readonly schema?: Readonly<Record<string, unknown>> | undefined;
  readonly namespaced: boolean;
  readonly verbs: readonly string[];
  readonly shortNames: readonly string[];
  readonly categories: readonly string[];
  readonly subresources: readonly ServedSubresource[];
}

const READ_WRITE = ['get', 'patch', 'update'] as const;

function subresourcesOf({ subresources, resource }: KindDefinition): ServedSubresource[] {
  const { group, version, kind } = resource;
  const served: ServedSubresource[] = (subresources.others ?? []).map((other) => ({
    name: other.name,
    group: other.group ?? group,
    version: other.version ?? version,
    kind: other.kind,
    verbs: other.verbs,
  }));
  if (subresources.scale !== undefined) {
    served.push({ name: 'scale', group: 'autoscaling', version: 'v1', kind: 'Scale', verbs: READ_WRITE });
  }
  if (subresources.status === true) served.push({ name: 'status', group, version, kind, verbs: READ_WRITE });
  return served.sort((a, b) => (a.name < b.name ? -1 : 1));
}

function stored(definition: KindDefinition): ServedResource {
  const { resource, singular, verbs, shortNames, categories, model } = definition;
  const { group, version, plural, kind, namespaced } = resource;
  const subresources = subresourcesOf(definition);
  const names = { singular, shortNames, categories };
  const schema = definition.custom?.schema;
  return { group, version, plural, kind, model, schema, namespaced, verbs, subresources, ...names };
}

/** Only ever written: it ends in the Pod that it is for. */
const bindings: ServedResource = {
  group: '',
  version: 'v1',
  plural: 'bindings',
  singular: 'binding',
  kind: 'Binding',
  model: 'Binding',
  namespaced: true,
  verbs: ['create'],
  shortNames: [],
  categories: [],
  subresources: [],
};

/** Everything that can be asked for, in the order of the registry, reviews behind. */
export function servedResources(registry: KindRegistry): readonly ServedResource[] {
  const reviews = reviewKinds.map((review): ServedResource => ({
    ...review,
    verbs: ['create'],
    shortNames: [],
    categories: [],
    subresources: [],
  }));
  const usages = usageKinds.map(({ group, version, plural, singular, kind, namespaced }): ServedResource => ({
    group,
    version,
    plural,
    singular,
    kind,
    namespaced,
    model: '',
    schema: { type: 'object', description: 'What it uses.', 'x-kubernetes-preserve-unknown-fields': true },
    verbs: ['get', 'list'],
    shortNames: [],
    categories: [],
    subresources: [],
  }));
  const hasPods = registry.byPlural('', 'v1', 'pods') !== undefined;
  return [...registry.kinds.map(stored), ...(hasPods ? [bindings, ...usages] : []), ...reviews];
}

export interface ServedGroup {
  readonly group: string;
  readonly versions: readonly { readonly version: string; readonly resources: readonly ServedResource[] }[];
}

/** By group and version, in the order in which they are first met; resources by name. */
export function servedGroups(resources: readonly ServedResource[]): readonly ServedGroup[] {
  const byGroup = Map.groupBy(resources, ({ group }) => group);
  return [...byGroup].map(([group, members]) => ({
    group,
    versions: [...Map.groupBy(members, ({ version }) => version)].map(([version, inVersion]) => ({
      version,
      resources: inVersion.toSorted((a, b) => (a.plural < b.plural ? -1 : 1)),
    })),
  }));
}

export function openApiKinds(resources: readonly ServedResource[]): readonly OpenApiKind[] {
  return resources.map(({ group, version, kind, plural, namespaced, model, schema, verbs, subresources }) => ({
    group,
    version,
    kind,
    plural,
    namespaced,
    ...(schema === undefined ? { model } : { schema }),
    verbs,
    subresources: subresources.map(({ name, verbs, ...of }) => ({ name, verbs, kind: of })),
  }));
}
