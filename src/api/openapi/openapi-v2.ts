import { customSchema, definitionNames, kindDefinitionName } from './definition-name.ts';
import { type Dialect, modelSchema, type Schema, scalarSchemas } from './model-schema.ts';
import type { OpenApiKind } from './openapi-kind.ts';
import { kindPaths, type Operation, type PathOperations } from './operations.ts';

const DIALECT: Dialect = {
  refPrefix: '#/definitions/',
  intOrString: { type: 'string', format: 'int-or-string' },
  quantity: { type: 'string' },
};

/** The Swagger 2.0 document of the whole server. Older kubectls validate by it and take their merge keys from it. */
export function openApiV2Document(kinds: readonly OpenApiKind[], serverVersion: string): Schema {
  const names = definitionNames(kinds);
  const definitions: Record<string, Schema> = { ...scalarSchemas(DIALECT) };
  for (const [model, name] of names) definitions[name] = modelSchema(model, names, DIALECT);
  for (const kind of kinds) {
    const custom = customSchema(kind, DIALECT.refPrefix);
    if (custom !== undefined) definitions[kindDefinitionName(kind)] ??= customDefinition(custom);
    for (const { group, version, kind: kindName } of [kind, ...kind.subresources.flatMap((sub) => sub.kind ?? [])]) {
      const name = kindDefinitionName({ group, version, kind: kindName });
      const schema = definitions[name];
      if (schema === undefined) continue;
      definitions[name] = { ...schema, 'x-kubernetes-group-version-kind': [{ group, kind: kindName, version }] };
    }
  }
  return {
    swagger: '2.0',
    info: { title: 'Kubernetes', version: serverVersion },
    paths: Object.fromEntries(
      kinds
        .flatMap((kind) => kindPaths(kind))
        .sort((a, b) => (a.path < b.path ? -1 : 1))
        .map((path) => [path.path, pathItem(path)]),
    ),
    definitions: Object.fromEntries(Object.entries(definitions).sort(([a], [b]) => (a < b ? -1 : 1))),
  };
}

/** Of objects that may hold anything at their root only that is said: older kubectls would refuse what is not listed. */
function customDefinition(schema: Schema): Schema {
  return schema['x-kubernetes-preserve-unknown-fields'] === true ? { type: 'object' } : swaggerSchema(schema);
}

/** Swagger 2.0 has no oneOf, anyOf, not and nullable: what a custom schema says with them is left out. */
function swaggerSchema(schema: unknown): Schema {
  const swagger: Record<string, unknown> = {};
  for (const [key, value] of Object.entries(schema as Schema)) {
    if (['oneOf', 'anyOf', 'not', 'nullable', 'allOf'].includes(key)) continue;
    if (key === 'properties') {
      swagger[key] = Object.fromEntries(
        Object.entries(value as Schema).map(([name, member]) => [name, swaggerSchema(member)]),
      );
    } else if ((key === 'items' || key === 'additionalProperties') && typeof value === 'object') {
      swagger[key] = swaggerSchema(value);
    } else {
      swagger[key] = value;
    }
  }
  return swagger;
}

function pathItem(path: PathOperations): Schema {
  return {
    ...Object.fromEntries(path.operations.map((operation) => [operation.method, operationObject(operation)])),
    parameters: path.pathParameters.map((name) => ({
      name,
      in: 'path',
      required: true,
      type: 'string',
      uniqueItems: true,
    })),
  };
}

function operationObject(operation: Operation): Schema {
  const body = operation.method === 'get' || operation.method === 'delete' ? [] : [BODY];
  return {
    operationId: operation.operationId,
    parameters: [
      ...body,
      ...operation.queries.map(({ name, type }) => ({ name, in: 'query', type, uniqueItems: true })),
    ],
    responses: { '200': { description: 'OK' } },
    'x-kubernetes-action': operation.action,
    'x-kubernetes-group-version-kind': operation.kind,
  };
}

const BODY: Schema = { name: 'body', in: 'body', required: true, schema: { type: 'object' } };
