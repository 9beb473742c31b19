import {
  customSchema,
  definitionNames,
  kindDefinitionName,
  reachableFrom,
  SCALAR_DEFINITIONS,
} from './definition-name.ts';
import { type Dialect, modelSchema, type Schema, scalarSchemas } from './model-schema.ts';
import { type GroupVersionKind, groupVersionPath, type OpenApiKind } from './openapi-kind.ts';
import { kindPaths, type Operation, type PathOperations } from './operations.ts';

const DIALECT: Dialect = {
  refPrefix: '#/components/schemas/',
  intOrString: { format: 'int-or-string', oneOf: [{ type: 'integer' }, { type: 'string' }] },
  quantity: { oneOf: [{ type: 'string' }, { type: 'number' }] },
};

/** A custom kind has no strategic merge patch; kubectl finds that out here. */
const CUSTOM_PATCH_TYPES = [
  'application/apply-patch+yaml',
  'application/json-patch+json',
  'application/merge-patch+json',
];
const PATCH_TYPES = [...CUSTOM_PATCH_TYPES, 'application/strategic-merge-patch+json'];

/** The document of one group-version. `kinds` are all kinds of the server: they decide how shared models are named. */
export function openApiV3Document(
  kinds: readonly OpenApiKind[],
  at: { readonly group: string; readonly version: string },
  serverVersion: string,
): Schema {
  const names = definitionNames(kinds);
  const own = kinds.filter((kind) => kind.group === at.group && kind.version === at.version);
  const schemas = componentSchemas(own, names);
  const paths = Object.fromEntries(
    own
      .flatMap((kind) => kindPaths(kind).map((path) => ({ path, patchTypes: patchTypesOf(kind) })))
      .sort((a, b) => (a.path.path < b.path.path ? -1 : 1))
      .map(({ path, patchTypes }) => [path.path, pathItem(path, schemas, patchTypes)]),
  );
  return {
    openapi: '3.0.0',
    info: { title: 'Kubernetes', version: serverVersion },
    paths,
    components: { schemas },
  };
}

/** The group-versions that have a document, in the order of the kinds. */
export function openApiGroupVersions(kinds: readonly OpenApiKind[]): { group: string; version: string }[] {
  return [
    ...new Map(kinds.map(({ group, version }) => [groupVersionPath({ group, version }), { group, version }])).values(),
  ];
}

function componentSchemas(own: readonly OpenApiKind[], names: ReadonlyMap<string, string>): Record<string, Schema> {
  const models = new Set(['DeleteOptions', 'Preconditions', ...own.flatMap((kind) => [...reachableFrom(kind)])]);
  const schemas: Record<string, Schema> = { ...scalarSchemas(DIALECT) };
  for (const model of models) {
    const name = names.get(model);
    if (name !== undefined) schemas[name] = modelSchema(model, names, DIALECT);
  }
  for (const kind of own) {
    const name = kindDefinitionName(kind);
    const schema = schemas[name] ?? customSchema(kind, DIALECT.refPrefix);
    if (schema !== undefined) schemas[name] = { ...schema, ...gvkExtension(kind) };
    schemas[`${name}List`] = listSchema(kind, name);
    for (const { kind: spoken } of kind.subresources) {
      if (spoken === undefined) continue;
      const spokenName = kindDefinitionName(spoken);
      const spokenSchema = schemas[spokenName];
      if (spokenSchema !== undefined) schemas[spokenName] = { ...spokenSchema, ...gvkExtension(spoken) };
    }
  }
  return Object.fromEntries(Object.entries(schemas).sort(([a], [b]) => (a < b ? -1 : 1)));
}

function gvkExtension({ group, kind, version }: GroupVersionKind): Schema {
  return { 'x-kubernetes-group-version-kind': [{ group, kind, version }] };
}

function listSchema(kind: OpenApiKind, name: string): Schema {
  return {
    type: 'object',
    required: ['items'],
    properties: {
      apiVersion: { type: 'string' },
      items: { type: 'array', items: reference(name) },
      kind: { type: 'string' },
      metadata: reference(SCALAR_DEFINITIONS['listMeta'] ?? ''),
    },
    ...gvkExtension({ ...kind, kind: `${kind.kind}List` }),
  };
}

function reference(name: string): Schema {
  return { $ref: `${DIALECT.refPrefix}${name}` };
}

function patchTypesOf({ schema }: OpenApiKind): readonly string[] {
  return schema === undefined ? PATCH_TYPES : CUSTOM_PATCH_TYPES;
}

function pathItem(
  path: PathOperations,
  schemas: Readonly<Record<string, Schema>>,
  patchTypes: readonly string[],
): Schema {
  return {
    ...Object.fromEntries(
      path.operations.map((operation) => [operation.method, operationObject(operation, schemas, patchTypes)]),
    ),
    parameters: path.pathParameters.map((name) => ({
      name,
      in: 'path',
      required: true,
      schema: { type: 'string', uniqueItems: true },
    })),
  };
}

function operationObject(
  operation: Operation,
  schemas: Readonly<Record<string, Schema>>,
  patchTypes: readonly string[],
): Schema {
  const { kind, answers, method } = operation;
  const name = `${kindDefinitionName(kind)}${answers === 'list' ? 'List' : ''}`;
  const body = answers === 'status' || schemas[name] === undefined ? { type: 'object' } : reference(name);
  return {
    operationId: operation.operationId,
    parameters: operation.queries.map(({ name: query, type }) => ({
      name: query,
      in: 'query',
      schema: { type, uniqueItems: true },
    })),
    ...requestBody(method, body, patchTypes),
    responses: { '200': { description: 'OK', content: { 'application/json': { schema: body } } } },
    'x-kubernetes-action': operation.action,
    'x-kubernetes-group-version-kind': kind,
  };
}

function requestBody(method: string, body: Schema, patchTypes: readonly string[]): Schema {
  if (method === 'patch') {
    const schema = reference(SCALAR_DEFINITIONS['patch'] ?? '');
    return {
      requestBody: { content: Object.fromEntries(patchTypes.map((type) => [type, { schema }])), required: true },
    };
  }
  if (method === 'post' || method === 'put') {
    return { requestBody: { content: { '*/*': { schema: body } }, required: true } };
  }
  return {};
}
