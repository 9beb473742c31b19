import { rfc3339 } from '#base/clock.ts';
import type { Eviction, Pod, PodCondition } from '#api/generated/types.ts';
import type { ApiResponse } from '#api/request.ts';
import { badRequest, success } from '#api/status.ts';
import { checkObject, decodeBody, type DecodedBody } from '../body.ts';
import { validateWrite } from '../admission/webhook/webhook-admission.ts';
import type { ResourceContext } from '../context.ts';
import { deletionOf } from '../delete-options.ts';
import { statusResponse } from '../respond.ts';
import { StatusError } from '../status-error.ts';
import { parseWriteOptions } from '../write-options.ts';
import { deleteObject } from './delete.ts';
import { spendDisruption } from './disruption.ts';
import { existing } from './get.ts';
import { modify, targetOf } from './update.ts';

const IDENTITY = { apiVersion: 'policy/v1', kind: 'Eviction', model: 'Eviction' } as const;

/** A DELETE that asks the Pod's disruption budget first, which `kubectl drain` sends. */
export async function evict(context: ResourceContext): Promise<ApiResponse> {
  const { dryRun: dry, fieldValidation } = parseWriteOptions(context.request.query, 'CreateOptions');
  const { object } = checkObject(asV1(await decodeBody(context.request, 'Eviction')), IDENTITY, fieldValidation);
  const { metadata, deleteOptions } = object as Eviction;
  if ((metadata.name ?? '') !== '' && metadata.name !== context.info.name) {
    throw new StatusError(badRequest('name in URL does not match name in Eviction object'));
  }
  const deletion = deletionOf(deleteOptions ?? {});
  const dryRun = dry || deletion.dryRun;
  const { server, kind, request } = context;
  const pod = existing(context).object as Pod;
  // It is asked about as what it is, not as a DELETE.
  const { name, namespace } = pod.metadata;
  const write = {
    server,
    kind,
    request,
    operation: 'CREATE',
    subresource: 'eviction',
    name,
    namespace,
    dryRun,
  } as const;
  await validateWrite({ ...write, object, old: undefined });
  await spendDisruption(context, pod, dryRun);
  if (pod.metadata.deletionTimestamp === undefined && !dryRun) await markDisrupted(context);
  await deleteObject({ ...targetOf(context), request: undefined }, { ...deletion, dryRun });
  return statusResponse({ ...success(), code: 201 });
}

/** Until 1.21 kubectl sends the version before, which has the same fields and which Kubernetes takes here to this day. */
function asV1(body: DecodedBody): DecodedBody {
  const { apiVersion } = Object(body.value) as { readonly apiVersion?: unknown };
  if (apiVersion !== 'policy/v1beta1') return body;
  return { ...body, value: { ...(body.value as object), apiVersion: IDENTITY.apiVersion } };
}

/** Tells the Pod's owner that it was asked to go, not that it failed (KEP-3329). */
async function markDisrupted(context: ResourceContext): Promise<void> {
  const condition: PodCondition = {
    type: 'DisruptionTarget',
    status: 'True',
    reason: 'EvictionByEvictionAPI',
    message: 'Eviction API: evicting',
    lastTransitionTime: rfc3339(context.server.clock.now()),
  };
  await modify({ ...targetOf(context), request: undefined }, 'status', ({ object }) => {
    const pod = object as Pod;
    const others = (pod.status?.conditions ?? []).filter(({ type }) => type !== condition.type);
    return { ...pod, status: { ...pod.status, conditions: [...others, condition] } } as Pod;
  });
}
