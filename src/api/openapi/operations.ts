import { type GroupVersionKind, groupVersionPath, type OpenApiKind, type OpenApiSubresource } from './openapi-kind.ts';

export type HttpMethod = 'get' | 'post' | 'put' | 'patch' | 'delete';

/** One operation, free of what OpenAPI v2 and v3 write differently. */
export interface Operation {
  readonly method: HttpMethod;
  /** x-kubernetes-action. */
  readonly action: string;
  readonly operationId: string;
  readonly kind: GroupVersionKind;
  /** What a 200 answer carries. */
  readonly answers: 'object' | 'list' | 'status';
  readonly queries: readonly QueryParameter[];
}

export interface QueryParameter {
  readonly name: string;
  readonly type: 'string' | 'integer' | 'boolean';
}

export interface PathOperations {
  readonly path: string;
  /** Names in braces in the path. */
  readonly pathParameters: readonly string[];
  readonly operations: readonly Operation[];
}

const text = (name: string): QueryParameter => ({ name, type: 'string' });
const number = (name: string): QueryParameter => ({ name, type: 'integer' });
const flag = (name: string): QueryParameter => ({ name, type: 'boolean' });

const LIST_QUERIES = [
  flag('allowWatchBookmarks'),
  text('continue'),
  text('fieldSelector'),
  text('labelSelector'),
  number('limit'),
  text('resourceVersion'),
  text('resourceVersionMatch'),
  flag('sendInitialEvents'),
  number('timeoutSeconds'),
  flag('watch'),
];
const DELETE_QUERIES = [
  text('dryRun'),
  number('gracePeriodSeconds'),
  flag('orphanDependents'),
  text('propagationPolicy'),
];
/** kubectl looks for these on PATCH before it sends --dry-run=server or leaves validation to the server. */
const WRITE_QUERIES = [text('dryRun'), text('fieldManager'), text('fieldValidation')];

interface VerbFacts {
  readonly method: HttpMethod;
  readonly action: string;
  readonly word: string;
  readonly answers: Operation['answers'];
  readonly queries: readonly QueryParameter[];
}

const COLLECTION_VERBS: Readonly<Record<string, VerbFacts>> = {
  list: { method: 'get', action: 'list', word: 'list', answers: 'list', queries: LIST_QUERIES },
  create: { method: 'post', action: 'post', word: 'create', answers: 'object', queries: WRITE_QUERIES },
  deletecollection: {
    method: 'delete',
    action: 'deletecollection',
    word: 'deleteCollection',
    answers: 'status',
    queries: [...LIST_QUERIES, ...DELETE_QUERIES],
  },
};

const ITEM_VERBS: Readonly<Record<string, VerbFacts>> = {
  get: { method: 'get', action: 'get', word: 'read', answers: 'object', queries: [] },
  update: { method: 'put', action: 'put', word: 'replace', answers: 'object', queries: WRITE_QUERIES },
  patch: {
    method: 'patch',
    action: 'patch',
    word: 'patch',
    answers: 'object',
    queries: [...WRITE_QUERIES, flag('force')],
  },
  delete: { method: 'delete', action: 'delete', word: 'delete', answers: 'status', queries: DELETE_QUERIES },
  create: { method: 'post', action: 'post', word: 'create', answers: 'object', queries: WRITE_QUERIES },
};

/** Every path of a kind, as a server of it answers them. */
export function kindPaths(kind: OpenApiKind): PathOperations[] {
  const root = `/${groupVersionPath(kind)}`;
  const scope = kind.namespaced ? `${root}/namespaces/{namespace}` : root;
  const scopeParameters = kind.namespaced ? ['namespace'] : [];
  const collection = `${scope}/${kind.plural}`;
  const item = `${collection}/{name}`;
  const name = (word: string, suffix: string): string => operationId(kind, word, kind.namespaced, suffix);
  const paths: PathOperations[] = [
    {
      path: collection,
      pathParameters: scopeParameters,
      operations: operations(kind.verbs, COLLECTION_VERBS, kind, (word) => name(word, '')),
    },
    {
      path: item,
      pathParameters: ['name', ...scopeParameters],
      operations: operations(
        kind.verbs.filter((verb) => verb !== 'create'),
        ITEM_VERBS,
        kind,
        (word) => name(word, ''),
      ),
    },
    ...kind.subresources.map((subresource) => ({
      path: `${item}/${subresource.name}`,
      pathParameters: ['name', ...scopeParameters],
      operations: subresourceOperations(kind, subresource, name),
    })),
  ];
  if (kind.namespaced && kind.verbs.includes('list')) {
    paths.push({
      path: `${root}/${kind.plural}`,
      pathParameters: [],
      operations: operations(
        ['list'],
        COLLECTION_VERBS,
        kind,
        (word) => `${operationId(kind, word, false, '')}ForAllNamespaces`,
      ),
    });
  }
  return paths.filter((path) => path.operations.length > 0);
}

function subresourceOperations(
  kind: OpenApiKind,
  subresource: OpenApiSubresource,
  name: (word: string, suffix: string) => string,
): Operation[] {
  const spoken = subresource.kind ?? kind;
  return operations(subresource.verbs, ITEM_VERBS, spoken, (word) => name(word, pascal(subresource.name)));
}

function operations(
  verbs: readonly string[],
  facts: Readonly<Record<string, VerbFacts>>,
  kind: GroupVersionKind,
  name: (word: string) => string,
): Operation[] {
  return verbs.flatMap((verb) => {
    const fact = facts[verb];
    if (fact === undefined) return [];
    const { method, action, word, answers, queries } = fact;
    const { group, version, kind: kindName } = kind;
    return [{ method, action, operationId: name(word), kind: { group, kind: kindName, version }, answers, queries }];
  });
}

function operationId(kind: OpenApiKind, word: string, namespaced: boolean, suffix: string): string {
  const group = pascal(kind.group === '' ? 'core' : (kind.group.replace(/\.k8s\.io$/, '').split('.')[0] ?? ''));
  return `${word}${group}${pascal(kind.version)}${namespaced ? 'Namespaced' : ''}${kind.kind}${suffix}`;
}

function pascal(name: string): string {
  return name.slice(0, 1).toUpperCase() + name.slice(1);
}
