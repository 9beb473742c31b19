import type { Service } from '#api/generated/types.ts';
import type { KindDefinition } from '#api/kind.ts';
import type { KubeObject } from '#api/object.ts';
import { services } from '#api/resource.ts';
import type { ServerContext } from '../context.ts';
import type { ReservedService } from '../services/reserved-service.ts';
import type { SideWrite } from '../storage/object-storage.ts';

/** An object that takes nothing out of any range. */
export function untouched(object: KubeObject): ReservedService {
  return { object, beside: [], commit: () => {}, [Symbol.dispose]: () => {} };
}

function isService(kind: KindDefinition): boolean {
  return kind.resource.group === '' && kind.resource.plural === services.plural;
}

/** Takes what an object needs out of the cluster's ranges; given back unless the write commits it. */
export function allocateFor(
  server: ServerContext,
  kind: KindDefinition,
  object: KubeObject,
  old: KubeObject | undefined,
  dryRun: boolean,
): ReservedService {
  if (!isService(kind)) return untouched(object);
  return server.addresses.reserve(object as Service, old as Service | undefined, { dryRun });
}

/** What has to be deleted in one transaction with an object. */
export function besideDeletion(server: ServerContext, kind: KindDefinition, object: KubeObject): readonly SideWrite[] {
  return isService(kind) ? server.addresses.removal(object as Service) : [];
}

/** Gives back what a deleted object held. */
export function releaseOf(server: ServerContext, kind: KindDefinition, object: KubeObject): void {
  if (isService(kind)) server.addresses.release(object as Service);
}
