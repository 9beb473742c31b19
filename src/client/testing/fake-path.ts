import type { KubeObject } from '#api/object.ts';

export interface Target {
  readonly apiVersion: string;
  readonly plural: string;
  /** `apps/v1/deployments`: the collection over all namespaces. */
  readonly collection: string;
  readonly namespace: string | undefined;
  readonly name: string | undefined;
  readonly subresource: string | undefined;
}

export function parsePath(path: string): Target | undefined {
  const parts = path.split('/').slice(1).map(decodeURIComponent);
  const apiVersion = parts[0] === 'api' ? parts[1] : parts.slice(1, 3).join('/');
  if (apiVersion === undefined || (parts[0] !== 'api' && parts[0] !== 'apis')) return undefined;
  const rest = parts.slice(parts[0] === 'api' ? 2 : 3);
  const namespaced = rest[0] === 'namespaces' && rest.length > 2 && rest[2] !== 'status' && rest[2] !== 'finalize';
  const [plural, name, subresource] = namespaced ? rest.slice(2) : rest;
  if (plural === undefined) return undefined;
  const collection = `${apiVersion}/${plural}`;
  return { apiVersion, plural, collection, namespace: namespaced ? rest[1] : undefined, name, subresource };
}

/** Equality, inequality and presence: what our own clients ask for. */
export function matchesSelectors(object: KubeObject, query: Readonly<Record<string, string>>): boolean {
  const labels = object.metadata.labels ?? {};
  const byLabel = terms(query['labelSelector']).every((term) => matches(term, (key) => labels[key]));
  return byLabel && terms(query['fieldSelector']).every((term) => matches(term, (key) => fieldOf(object, key)));
}

function terms(selector: string | undefined): string[] {
  return selector === undefined || selector === '' ? [] : selector.split(',');
}

function matches(term: string, value: (key: string) => string | undefined): boolean {
  const [, key = '', operator, wanted] = /^([^=!]+?)(?:(!=|==?)(.*))?$/.exec(term) ?? [];
  if (operator === undefined) return value(key) !== undefined;
  return operator === '!=' ? value(key) !== wanted : value(key) === wanted;
}

function fieldOf(object: KubeObject, path: string): string {
  let value: unknown = object;
  for (const part of path.split('.')) value = (value as Record<string, unknown> | undefined)?.[part];
  return typeof value === 'string' || typeof value === 'number' ? `${value}` : '';
}
