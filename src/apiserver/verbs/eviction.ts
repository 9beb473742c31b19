import { type Eviction } from '#api/generated/types.ts';
import { type ApiResponse } from '#api/request.ts';
import { success } from '#api/status.ts';
import { checkObject, decodeBody } from '../body.ts';
import { type ResourceContext } from '../context.ts';
import { deletionOf } from '../delete-options.ts';
import { statusResponse } from '../respond.ts';
import { parseWriteOptions } from '../write-options.ts';
import { deleteObject } from './delete.ts';
import { targetOf } from './update.ts';

const IDENTITY = { apiVersion: 'policy/v1', kind: 'Eviction', model: 'Eviction' } as const;

/** A DELETE that asks first, which `kubectl drain` sends; budgets are not looked at yet. */
export async function evict(context: ResourceContext): Promise<ApiResponse> {
  const { dryRun, fieldValidation } = parseWriteOptions(context.request.query, 'CreateOptions');
  const { object } = checkObject(await decodeBody(context.request, 'Eviction'), IDENTITY, fieldValidation);
  const deletion = deletionOf((object as Eviction).deleteOptions ?? {});
  await deleteObject(targetOf(context), { ...deletion, dryRun: deletion.dryRun || dryRun });
  return statusResponse({ ...success(), code: 201 });
}
