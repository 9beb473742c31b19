import type { DeleteOptions } from '#api/generated/types.ts';
import { checkFields } from '#api/field-check.ts';
import { type FieldError, invalid, invalidStatus, unsupported } from '#api/field-error.ts';
import type { ApiRequest } from '#api/request.ts';
import { badRequest } from '#api/status.ts';
import { decodeBody } from './body.ts';
import { parseInteger } from './list-options.ts';
import { StatusError } from './status-error.ts';

export type Propagation = 'Background' | 'Foreground' | 'Orphan';

export interface Deletion {
  readonly dryRun: boolean;
  readonly graceSeconds: number | undefined;
  readonly propagation: Propagation | undefined;
  readonly uid: string | undefined;
  readonly resourceVersion: string | undefined;
}

/** How to delete, from the body, or where there is none from the query. */
export async function parseDeletion(request: ApiRequest): Promise<Deletion> {
  const empty = request.body === undefined || request.body === null || request.body === '';
  return deletionOf(empty ? fromQuery(request.query) : await fromBody(request));
}

function fromQuery(query: Readonly<Record<string, string>>): DeleteOptions {
  const { dryRun, propagationPolicy, orphanDependents } = query;
  return {
    gracePeriodSeconds: parseInteger(query['gracePeriodSeconds']),
    propagationPolicy: propagationPolicy || undefined,
    orphanDependents: orphanDependents === undefined ? undefined : orphanDependents === 'true',
    dryRun: dryRun ? [dryRun] : undefined,
  };
}

async function fromBody(request: ApiRequest): Promise<DeleteOptions> {
  const { value } = await decodeBody(request, 'DeleteOptions');
  const checked = checkFields('DeleteOptions', value, 'Ignore');
  if (checked.kind === 'wrong') throw new StatusError(badRequest(checked.message));
  const options = checked.value as DeleteOptions;
  return { ...options, dryRun: options.dryRun ?? fromQuery(request.query).dryRun };
}

const POLICIES = ['Background', 'Foreground', 'Orphan'];

export function deletionOf(options: DeleteOptions): Deletion {
  const { propagationPolicy: policy, orphanDependents, gracePeriodSeconds, dryRun = [], preconditions } = options;
  const errors: FieldError[] = [];
  if (policy !== undefined && orphanDependents !== undefined) {
    errors.push(invalid('propagationPolicy', policy, 'orphanDependents and deletionPropagation cannot be both set'));
  }
  if (policy !== undefined && !POLICIES.includes(policy)) {
    errors.push(unsupported('propagationPolicy', policy, ['Foreground', 'Background', 'Orphan', 'nil']));
  }
  if (dryRun.some((value) => value !== 'All')) errors.push(unsupported('dryRun', dryRun, ['All']));
  if (errors.length > 0) {
    throw new StatusError(invalidStatus({ group: 'meta.k8s.io', kind: 'DeleteOptions' }, '', errors));
  }
  const old = orphanDependents === undefined ? undefined : orphanDependents ? 'Orphan' : 'Background';
  return {
    dryRun: dryRun.length > 0,
    graceSeconds: gracePeriodSeconds,
    propagation: (policy ?? old) as Propagation | undefined,
    uid: preconditions?.uid,
    resourceVersion: preconditions?.resourceVersion,
  };
}
