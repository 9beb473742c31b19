import type { ApiResponse } from '#api/request.ts';
import { notFoundStatus, tooLargeResourceVersion } from '#api/status.ts';
import type { ResourceContext } from '../context.ts';
import { parseRevision } from '../list-options.ts';
import { objectResponse } from '../respond.ts';
import { StatusError } from '../status-error.ts';
import type { StoredObject } from '../storage/stored-object.ts';
import { targetOf } from './update.ts';

export async function get(context: ResourceContext): Promise<ApiResponse> {
  const revision = parseRevision(context.request.query['resourceVersion']) ?? 0;
  const current = context.server.storage.revision;
  if (revision > current) throw new StatusError(tooLargeResourceVersion(revision, current));
  return objectResponse(context, existing(context));
}

/** The object that the path names. */
export function existing(context: ResourceContext): StoredObject {
  const { cache, key, kind, name } = targetOf(context);
  const found = cache.get(key);
  if (found === undefined) throw new StatusError(notFoundStatus(kind.resource, name));
  return found;
}
