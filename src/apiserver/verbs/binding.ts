import { rfc3339 } from '#base/clock.ts';
import type { Binding, Pod, PodCondition } from '#api/generated/types.ts';
import { invalidStatus, required } from '#api/field-error.ts';
import type { ApiRequest, ApiResponse } from '#api/request.ts';
import { pods } from '#api/resource.ts';
import { badRequest, conflict, methodNotAllowed, noSuchPath, success } from '#api/status.ts';
import { checkObject, decodeBody } from '../body.ts';
import type { ResourceContext, ServerContext } from '../context.ts';
import { mayGo } from '../metadata.ts';
import type { ResourceRequestInfo } from '../request-info.ts';
import { statusResponse } from '../respond.ts';
import { StatusError } from '../status-error.ts';
import { parseWriteOptions } from '../write-options.ts';
import { modify, targetOf } from './update.ts';

const IDENTITY = { apiVersion: 'v1', kind: 'Binding', model: 'Binding' } as const;

/** Puts a Pod on a node: the scheduler's one write. `name` is the Pod's. */
export async function bind(context: ResourceContext): Promise<ApiResponse> {
  const { dryRun, fieldValidation } = parseWriteOptions(context.request.query, 'CreateOptions');
  const { object } = checkObject(await decodeBody(context.request, 'Binding'), IDENTITY, fieldValidation);
  const { metadata, target: to } = object as Binding;
  const name = context.info.name ?? '';
  if ((metadata.name || name) !== name) {
    throw new StatusError(badRequest(`name in URL does not match name in Binding object`));
  }
  const nodeName = to?.name ?? '';
  if (nodeName === '') {
    throw new StatusError(invalidStatus({ group: '', kind: 'Binding' }, name, [required('target.name')]));
  }
  const now = rfc3339(context.server.clock.now());
  await modify(
    targetOf(context),
    'binding',
    ({ object: present }) => {
      const pod = present as Pod;
      checkBindable(pod, metadata.uid);
      const bound = { ...pod, spec: { ...pod.spec, nodeName }, status: scheduled(pod, now) };
      return metadata.annotations === undefined
        ? bound
        : {
            ...bound,
            metadata: { ...pod.metadata, annotations: { ...pod.metadata.annotations, ...metadata.annotations } },
          };
    },
    dryRun,
  );
  return statusResponse({ ...success(), code: 201 });
}

export function isBindings({ group, version, plural }: ResourceRequestInfo): boolean {
  return group === '' && version === 'v1' && plural === 'bindings';
}

/** POST to `bindings`: the same as to a Pod's own `binding`, the Pod being the one that the body names. */
export async function bindNamed(
  server: ServerContext,
  request: ApiRequest,
  info: ResourceRequestInfo,
): Promise<ApiResponse> {
  const kind = server.registry.byPlural('', 'v1', pods.plural);
  if (kind === undefined || info.name !== undefined || info.namespace === undefined)
    throw new StatusError(noSuchPath());
  if (request.method !== 'POST') {
    throw new StatusError(methodNotAllowed());
  }
  const { value } = await decodeBody(request, 'Binding');
  const { name } = (value as Partial<Binding> | null)?.metadata ?? {};
  if (typeof name !== 'string' || name === '') {
    throw new StatusError(invalidStatus({ group: '', kind: 'Binding' }, '', [required('metadata.name')]));
  }
  const at = { ...info, plural: pods.plural, name, subresource: 'binding' };
  return bind({ server, request, info: at, verb: 'create', kind, cache: server.storage.cache(pods) });
}

function checkBindable(pod: Pod, uid: string | undefined): void {
  const { name } = pod.metadata;
  const refuse = (why: string): StatusError =>
    new StatusError(conflict({ group: '', plural: 'pods/binding' }, name, why));
  if (uid !== undefined && uid !== '' && uid !== pod.metadata.uid) {
    throw refuse(`Precondition failed: UID in precondition: ${uid}, UID in object meta: ${pod.metadata.uid}`);
  }
  if (pod.metadata.deletionTimestamp !== undefined && !mayGo(pod)) {
    throw refuse(`pod ${name} is being deleted, cannot be assigned to a host`);
  }
  const node = pod.spec.nodeName ?? '';
  if (node !== '') throw refuse(`pod ${name} is already assigned to node ${JSON.stringify(node)}`);
  if ((pod.spec.schedulingGates ?? []).length > 0) {
    throw refuse(`pod ${name} has non-empty .spec.schedulingGates`);
  }
}

function scheduled(pod: Pod, now: string): Pod['status'] {
  const condition: PodCondition = { type: 'PodScheduled', status: 'True', lastTransitionTime: now };
  const others = (pod.status.conditions ?? []).filter(({ type }) => type !== 'PodScheduled');
  return { ...pod.status, conditions: [...others, condition] };
}
