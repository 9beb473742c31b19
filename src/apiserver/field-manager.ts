import { rfc3339 } from '#base/clock.ts';
import { compareObjects } from '#api/apply/compare.ts';
import { type ManagedFields, startingManagers, updatedManagers } from '#api/apply/managed-fields.ts';
import { managerOfUserAgent, type Writer } from '#api/apply/manager.ts';
import type { MergeType } from '#api/apply/merge-type.ts';
import { modelType } from '#api/apply/model-type.ts';
import type { KindDefinition } from '#api/kind.ts';
import type { KubeObject } from '#api/object.ts';
import type { ApiRequest } from '#api/request.ts';
import { apiVersionOf } from '#api/resource.ts';
import type { ResourceContext } from './context.ts';

/** Parts of a cluster that speak to the API in process, by user: what the same parts of Kubernetes are called. */
const PARTS: Readonly<Record<string, string>> = {
  'system:apiserver': 'kube-apiserver',
  'system:nodes': 'kubelet',
};

function managerOf({ query, userAgent, user }: ApiRequest): string {
  const named = query['fieldManager'] ?? '';
  if (named !== '') return named;
  const program = userAgent === undefined ? '' : managerOfUserAgent(userAgent);
  return program === '' ? (PARTS[user.username] ?? user.username.replace(/^system:/, '')) : program;
}

/** Who a request writes as. */
export function writerOf(
  { request, kind, info, server }: Pick<ResourceContext, 'request' | 'kind' | 'info' | 'server'>,
  operation: Writer['operation'] = 'Update',
): Writer {
  return {
    manager: managerOf(request),
    operation,
    apiVersion: apiVersionOf(kind.resource),
    subresource: info.subresource,
    time: rfc3339(server.clock.now()),
  };
}

/** How the fields of a kind merge. */
export function mergeTypeOf(kind: KindDefinition): MergeType {
  return kind.custom?.mergeType ?? modelType(kind.model);
}

/** Which members of an object a write is about; the others are put back whatever it says. */
export function countedMembers(kind: KindDefinition, part: string): (member: string) => boolean {
  if (part === 'status' || part === 'approval') return (member) => member === 'status' || member === 'metadata';
  return kind.subresources.status === true ? (member) => member !== 'status' : () => true;
}

type Members = Readonly<Record<string, unknown>>;

/** The managers of an object that is new, as its client wants it: nobody owns what the server adds to that. */
export function firstManagers(kind: KindDefinition, object: KubeObject, writer: Writer): ManagedFields {
  const members = object as unknown as Members;
  return updatedManagers([], compareObjects({}, members, mergeTypeOf(kind), countedMembers(kind, 'main')), writer);
}

/** The managers after an update to `next`. Objects from before there were managers stay without. */
export function nextManagers(
  kind: KindDefinition,
  part: string,
  next: KubeObject,
  old: KubeObject,
  writer: Writer,
): ManagedFields {
  const sent = next.metadata.managedFields;
  if (writer.operation === 'Apply') return sent ?? [];
  const managed = startingManagers(old.metadata.managedFields, part === 'main' ? sent : undefined);
  if (managed.length === 0 || part === 'binding') return managed;
  const changes = compareObjects(
    old as unknown as Members,
    next as unknown as Members,
    mergeTypeOf(kind),
    countedMembers(kind, part),
  );
  return updatedManagers(managed, changes, writer);
}
