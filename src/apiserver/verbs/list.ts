import { selectedName } from '#api/field-selector.ts';
import type { ListMeta } from '#api/object.ts';
import type { ApiResponse } from '#api/request.ts';
import { badRequest, expired, expiredVersion, tooLargeResourceVersion } from '#api/status.ts';
import type { ResourceContext } from '../context.ts';
import { decodeContinue, encodeContinue } from '../continue-token.ts';
import { matcherOf, parseListOptions, type ListOptions } from '../list-options.ts';
import { listResponse } from '../respond.ts';
import { StatusError } from '../status-error.ts';
import type { StoredObject } from '../storage/stored-object.ts';

/** Where the objects of a request lie in their cache: `namespace/`, or everything. */
export function scopeOf({ info }: Pick<ResourceContext, 'info'>): string {
  return info.namespace === undefined ? '' : `${info.namespace}/`;
}

/** What a list reads: which state, and from where on. */
interface Page {
  /** Undefined: the present one. */
  readonly exact: number | undefined;
  readonly start: string;
  readonly after: string | undefined;
}

export async function list(context: ResourceContext): Promise<ApiResponse> {
  const options = parseListOptions(context.kind, context.request.query, false);
  const { items, metadata } = readPage(context, options);
  return listResponse(context, items, metadata);
}

function readPage(context: ResourceContext, options: ListOptions): { items: StoredObject[]; metadata: ListMeta } {
  const { server } = context;
  const page = pageOf(context, options);
  const revision = page.exact ?? server.storage.revision;
  const objects = objectsOf(context, page, options);
  const matches = matcherOf(context.kind, options);
  const items: StoredObject[] = [];
  let remaining = 0;
  for (const stored of objects) {
    if (page.after !== undefined && stored.key <= page.after) continue;
    if (matches !== undefined && !matches(stored.object)) continue;
    if (options.limit > 0 && items.length >= options.limit) remaining++;
    else items.push(stored);
  }
  const last = items.at(-1);
  const more =
    remaining === 0 || last === undefined
      ? {}
      : {
          continue: encodeContinue({ revision, after: last.key }),
          // With selectors upstream cannot tell, and clients take what is there for the number of all objects.
          ...(matches === undefined ? { remainingItemCount: remaining } : {}),
        };
  return { items, metadata: { resourceVersion: String(revision), ...more } };
}

function pageOf(context: ResourceContext, options: ListOptions): Page {
  const scope = scopeOf(context);
  const current = context.server.storage.revision;
  const asked = options.revision ?? 0;
  if (options.continue !== '') {
    if (asked !== 0)
      throw new StatusError(badRequest('specifying resource version is not allowed when using continue'));
    const token = decodeContinue(options.continue);
    const start = token.after > scope ? token.after : scope;
    return { exact: token.revision === current ? undefined : token.revision, start, after: token.after };
  }
  if (asked > current) throw new StatusError(tooLargeResourceVersion(asked, current));
  // A limit with a revision and nothing said about the match has always meant exactly that revision.
  const exact = options.match === 'Exact' || (options.match === undefined && options.limit > 0 && asked > 0);
  return { exact: exact && asked !== current ? asked : undefined, start: scope, after: undefined };
}

function objectsOf(context: ResourceContext, page: Page, options: ListOptions): Iterable<StoredObject> {
  const { cache, server } = context;
  const scope = scopeOf(context);
  if (page.exact !== undefined) {
    const oldest = Math.max(cache.floor, server.storage.oldestListed);
    const objects = page.exact < oldest ? undefined : cache.listAt(page.exact, scope, page.start);
    if (objects !== undefined) return objects;
    if (options.continue === '') throw new StatusError(expiredVersion(page.exact, oldest + 1));
    throw new StatusError(expiredPage(page.after ?? ''));
  }
  const name = selectedName(options.fields);
  if (name === undefined || (context.kind.resource.namespaced && scope === '')) return cache.list(scope, page.start);
  // `kubectl get -w x`, wait and delete list by name: one lookup instead of a walk through the namespace.
  const found = cache.get(scope + name);
  return found === undefined ? [] : [found];
}

/** Comes with a token that goes on without the promise of one consistent state. */
function expiredPage(after: string): ReturnType<typeof expired> {
  const status = expired(
    'The provided continue parameter is too old to display a consistent list result. You can start a new list without ' +
      'the continue parameter, or use the continue token in this response to retrieve the remainder of the results. ' +
      'Continuing with the provided token results in an inconsistent list - objects that were created, modified, or ' +
      'deleted between the time the first chunk was returned and now may show up in the list.',
  );
  return { ...status, metadata: { continue: encodeContinue({ revision: undefined, after }) } };
}
