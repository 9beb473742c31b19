import type { CertificateSigningRequest, Node, PersistentVolumeClaim, Pod } from '#api/generated/types.ts';
import type { KindDefinition } from '#api/kind.ts';
import type { KubeObject } from '#api/object.ts';
import { certificateSigningRequests, nodes, persistentVolumeClaims, pods, type Resource } from '#api/resource.ts';
import type { UserInfo } from '#api/request.ts';
import type { ServerContext } from '../context.ts';
import { admitDecision, admitRequest, stampConditions } from './certificate-request.ts';
import { admitClaimLimits, admitLimits } from './limit-range.ts';
import { admitIntoNamespace } from './namespace-lifecycle.ts';
import { admitNode } from './node-taint.ts';
import { admitPriority, admitTolerations } from './pod-placement.ts';
import { admitRuntimeClass } from './runtime-class.ts';
import { admitServiceAccount } from './service-account.ts';
import { admitClaimClass, admitClaimSize } from './volume.ts';

/** What the cluster makes of a new object before it is validated; throws where it must not be. */
export async function admitCreate(
  server: ServerContext,
  kind: KindDefinition,
  object: KubeObject,
  user: UserInfo,
): Promise<KubeObject> {
  const { namespace, name } = object.metadata;
  if (namespace !== undefined) admitIntoNamespace(server, kind, namespace, name ?? '');
  if (isOf(kind, pods)) return admitPod(server, object as Pod);
  if (isOf(kind, nodes)) return admitNode(object as Node);
  if (isOf(kind, certificateSigningRequests)) return admitRequest(object as CertificateSigningRequest, user);
  if (!isOf(kind, persistentVolumeClaims)) return object;
  return admitClaimLimits(server, admitClaimClass(server, object as PersistentVolumeClaim));
}

/** What it makes of a new state of an object before that is validated. */
export function completeUpdate(kind: KindDefinition, object: KubeObject): KubeObject {
  return isOf(kind, pods) ? admitTolerations(object as Pod) : object;
}

/** What the cluster makes of a new state of an object's status or decision; throws where this user may not. */
export function admitStatus(
  server: ServerContext,
  kind: KindDefinition,
  part: string,
  object: KubeObject,
  old: KubeObject,
  user: UserInfo,
): KubeObject {
  if (!isOf(kind, certificateSigningRequests) || (part !== 'status' && part !== 'approval')) return object;
  const [csr, before] = [object as CertificateSigningRequest, old as CertificateSigningRequest];
  admitDecision(server, user, part, csr, before);
  return stampConditions(csr, before, server.clock.now());
}

/** Throws where an object must not become what it is to be. */
export function admitUpdate(server: ServerContext, kind: KindDefinition, object: KubeObject, old: KubeObject): void {
  if (!isOf(kind, persistentVolumeClaims)) return;
  admitClaimSize(server, object as PersistentVolumeClaim, old as PersistentVolumeClaim);
}

function isOf({ resource }: KindDefinition, { group, plural }: Resource): boolean {
  return resource.group === group && resource.plural === plural;
}

async function admitPod(server: ServerContext, pod: Pod): Promise<Pod> {
  // A Pod without a spec is refused by validation, which is not for here to anticipate.
  if (pod.spec?.containers === undefined) return pod;
  const limited = admitLimits(server, await admitServiceAccount(server, pod));
  return admitPriority(server, admitRuntimeClass(server, admitTolerations(limited)));
}
