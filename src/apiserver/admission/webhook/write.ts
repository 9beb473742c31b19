import type { Operation } from '#api/admission/webhook-rule.ts';
import type { KindDefinition } from '#api/kind.ts';
import type { KubeObject } from '#api/object.ts';
import type { ApiRequest } from '#api/request.ts';
import { apiVersionOf } from '#api/resource.ts';
import type { ServerContext } from '../../context.ts';
import { persisted } from '../../presented.ts';

/** A write that others are asked about. */
export interface Write {
  readonly server: ServerContext;
  readonly kind: KindDefinition;
  readonly request: ApiRequest;
  readonly operation: Operation;
  /** Empty for the object itself. */
  readonly subresource: string;
  readonly name: string;
  readonly namespace: string | undefined;
  /** Absent on delete. */
  readonly object: KubeObject | undefined;
  /** Absent on create. */
  readonly old: KubeObject | undefined;
  readonly dryRun: boolean;
}

/** Kinds that show the same stored objects, the one that is asked for first. */
export function equivalentKinds({ server, kind }: Write): readonly KindDefinition[] {
  const { group, plural } = kind.storedAs ?? kind.resource;
  const others = server.registry.kinds.filter((other) => {
    const store = other.storedAs ?? other.resource;
    return other !== kind && store.group === group && store.plural === plural;
  });
  return [kind, ...others];
}

/** An object of one kind as another that is equivalent shows it. */
export function shownAs(
  object: KubeObject | undefined,
  from: KindDefinition,
  to: KindDefinition,
): KubeObject | undefined {
  if (object === undefined || from === to) return object;
  const stored = persisted(from, object);
  const shown = to.present?.(stored) ?? stored;
  return { ...shown, apiVersion: apiVersionOf(to.resource), kind: to.resource.kind };
}
