import { column, ageColumn, nameColumn } from '../columns.ts';
import { defineKind } from '../define-kind.ts';
import { ageOf } from '../duration.ts';
import { type FieldCheck, type FieldValidation, checkFields } from '../field-check.ts';
import type { CustomResourceDefinition, CustomResourceDefinitionVersion } from '../generated/types.ts';
import type { Cell, Column, CustomKind, KindDefinition, Verb } from '../kind.ts';
import type { KubeObject } from '../object.ts';
import { isObject, type JsonObject } from '../patch/json-value.ts';
import { fillDefaults } from './fill-defaults.ts';
import { jsonPathText, parseJsonPath } from './json-path.ts';
import { pruneUnknown } from './prune.ts';
import { schemaType } from './schema-type.ts';
import { ANYTHING, type StructuralSchema } from './structural-schema.ts';
import { customValidator } from './custom-validation.ts';

type Members = Readonly<Record<string, unknown>>;

/** One served version of a custom kind, as the engine serves built-in ones. */
export function customKind(crd: CustomResourceDefinition, version: CustomResourceDefinitionVersion): KindDefinition {
  const { spec } = crd;
  const names = { ...spec.names, ...crd.status?.acceptedNames };
  const schema = (version.schema?.openAPIV3Schema ?? ANYTHING) as StructuralSchema;
  const hasStatus = version.subresources?.status !== undefined;
  const columns = columnsOf(version);
  const selectable = (version.selectableFields ?? []).map(({ jsonPath }) => jsonPath);
  const validator = customValidator(schema);
  const kind = defineKind<KubeObject>(
    {
      group: spec.group,
      version: version.name,
      plural: spec.names.plural,
      kind: spec.names.kind,
      namespaced: spec.scope === 'Namespaced',
    },
    {
      anyFinalizers: true,
      model: '',
      singular: names.singular ?? spec.names.kind.toLowerCase(),
      shortNames: names.shortNames ?? [],
      categories: names.categories ?? [],
      verbs: isTerminating(crd) ? WITHOUT_CREATE : ALL_VERBS,
      subresources: { ...(hasStatus ? { status: true } : {}), scale: scaleOf(version) },
      initialStatus: () => undefined,
      unconditionalUpdate: false,
      generation: (object) => withoutMeta(object, hasStatus),
      columns: columns.map(({ column: shown }) => shown),
      row: (object, now) => columns.map(({ cell }) => cell(object, now)),
      fields: Object.fromEntries(selectable.map((path) => [path.replace(/^\./, ''), textAt(path)])),
      defaults: (object) => fillDefaults(object, schema) as KubeObject,
      validate: (object, old) => validator(object, old),
      validateStatus: (object, old) => validator(object, old),
      warnings: () => deprecation(crd, version),
    },
  );
  return Object.freeze({ ...kind, listKind: names.listKind ?? kind.listKind, ...versioned(crd, version, schema) });
}

export function isTerminating(crd: CustomResourceDefinition): boolean {
  return crd.metadata.deletionTimestamp !== undefined;
}

const ALL_VERBS: readonly Verb[] = ['delete', 'deletecollection', 'get', 'list', 'patch', 'create', 'update', 'watch'];
const WITHOUT_CREATE = ALL_VERBS.filter((verb) => verb !== 'create');

function withoutMeta(object: KubeObject, withoutStatus: boolean): Members {
  const { metadata: _, status, ...rest } = object as KubeObject & { readonly status?: unknown };
  return withoutStatus ? rest : { ...rest, status };
}

function scaleOf({ subresources }: CustomResourceDefinitionVersion): KindDefinition['subresources']['scale'] {
  const scale = subresources?.scale;
  if (scale === undefined) return undefined;
  const { specReplicasPath, statusReplicasPath, labelSelectorPath } = scale;
  return { specReplicas: specReplicasPath, statusReplicas: statusReplicasPath, selector: labelSelectorPath };
}

function deprecation(crd: CustomResourceDefinition, version: CustomResourceDefinitionVersion): readonly string[] {
  if (version.deprecated !== true) return [];
  const { group, names } = crd.spec;
  return [version.deprecationWarning ?? `${group}/${version.name} ${names.kind} is deprecated`];
}

/** What makes of a definition by schema one that the engine can use as it uses those by the field table. */
function versioned(
  crd: CustomResourceDefinition,
  version: CustomResourceDefinitionVersion,
  schema: StructuralSchema,
): Pick<KindDefinition, 'custom' | 'present' | 'persist'> {
  const { group, versions } = crd.spec;
  const stored = versions.find(({ storage }) => storage)?.name ?? version.name;
  const own = `${group}/${version.name}`;
  const shown = new WeakMap<KubeObject, KubeObject>();
  const custom: CustomKind = {
    // Of a kind without a schema nothing is told, not even that nothing is.
    schema: version.schema?.openAPIV3Schema === undefined ? { type: 'object' } : openApiSchema(schema),
    mergeType: schemaType(schema, true),
    check: (value, mode, duplicates) => checkObject(value, schema, mode, duplicates),
  };
  return {
    custom,
    // Once for each state of an object: lists and watches ask for it again and again.
    present: (object) => {
      let known = shown.get(object);
      if (known === undefined) {
        const filled = fillDefaults(object, schema) as KubeObject;
        known = filled.apiVersion === own ? filled : { ...filled, apiVersion: own };
        shown.set(object, known);
      }
      return known;
    },
    persist: (object) => (version.name === stored ? object : { ...object, apiVersion: `${group}/${stored}` }),
  };
}

function checkObject(
  value: unknown,
  schema: StructuralSchema,
  mode: FieldValidation,
  duplicates: readonly string[] = [],
): FieldCheck {
  const { metadata, ...rest } = value as JsonObject;
  const meta = checkFields('ObjectMeta', metadata ?? {}, 'Warn');
  if (meta.kind === 'wrong') return meta;
  const pruned = pruneUnknown(rest, schema, true);
  const problems = [
    ...duplicates,
    ...meta.warnings.map((text) => text.replace('unknown field "', 'unknown field "metadata.')),
    ...pruned.unknown.map((path) => `unknown field ${JSON.stringify(path)}`),
  ];
  if (problems.length > 0 && mode === 'Strict') {
    return { kind: 'wrong', message: `strict decoding error: ${problems.join(', ')}` };
  }
  return {
    kind: 'ok',
    value: { ...(pruned.value as JsonObject), metadata: meta.value },
    warnings: mode === 'Warn' ? problems : [],
  };
}

interface CustomColumn {
  readonly column: Column;
  readonly cell: (object: KubeObject, now: number) => Cell;
}

const NAME: CustomColumn = { column: nameColumn, cell: (object) => object.metadata.name };

function columnsOf({ additionalPrinterColumns = [] }: CustomResourceDefinitionVersion): readonly CustomColumn[] {
  if (additionalPrinterColumns.length === 0) {
    const age = column('Age', 'date', ageColumn.description);
    return [NAME, { column: age, cell: (object, now) => ageOf(object.metadata.creationTimestamp, now) }];
  }
  const own = additionalPrinterColumns.map((of): CustomColumn => {
    const path = parseJsonPath(of.jsonPath) ?? (() => []);
    const shown = column(of.name, of.type as Column['type'], of.description ?? '');
    return {
      column: { ...shown, format: of.format ?? '', priority: of.priority ?? 0 },
      cell: (object, now) => cellOf(path(object), of.type, now),
    };
  });
  return [NAME, ...own];
}

/** Null, which the type of cells does not have, is what is shown of nothing. */
const NOTHING = null as unknown as Cell;

function cellOf(values: readonly unknown[], type: string, now: number): Cell {
  const [value] = values;
  if (value === undefined || value === null) return NOTHING;
  switch (type) {
    case 'integer':
      return typeof value === 'number' ? Math.trunc(value) : NOTHING;
    case 'number':
      return typeof value === 'number' ? value : NOTHING;
    case 'boolean':
      return typeof value === 'boolean' ? value : NOTHING;
    case 'date':
      return typeof value === 'string' ? ageOf(value, now) : NOTHING;
    default:
      return jsonPathText(values);
  }
}

function textAt(path: string): (object: KubeObject) => string {
  const find = parseJsonPath(path) ?? (() => []);
  return (object) => jsonPathText(find(object));
}

/** The schema with what every object has, but for the metadata, whose schema the documents refer to. */
function openApiSchema(schema: StructuralSchema): Members {
  const properties = isObject(schema.properties) ? schema.properties : {};
  return {
    ...schema,
    properties: {
      ...properties,
      apiVersion: { type: 'string', description: 'APIVersion defines the schema that this object is written in.' },
      kind: { type: 'string', description: 'Kind of the object.' },
    },
  };
}
