import type { CustomResourceDefinition, CustomResourceDefinitionCondition } from '../generated/types.ts';
import type { KindDefinition } from '../kind.ts';

type Crd = CustomResourceDefinition;
type Status = Crd['status'];
type Condition = CustomResourceDefinitionCondition;

/** A name of a definition that another kind of its group has already, as a reason and a message. */
export interface NameConflict {
  readonly reason: string;
  readonly message: string;
}

/** Looks among `kinds` for one of the same group with a name of this definition. */
export function namesTaken({ spec }: Crd, kinds: readonly KindDefinition[]): NameConflict | undefined {
  const others = kinds.filter(({ resource }) => resource.group === spec.group);
  const resources = new Set(
    others.flatMap(({ resource, singular, shortNames }) => [resource.plural, singular, ...shortNames]),
  );
  const kindNames = new Set(others.flatMap(({ resource, listKind }) => [resource.kind, listKind]));
  const { plural, singular = '', shortNames = [], kind, listKind = '' } = spec.names;
  const taken = (reason: string, name: string): NameConflict => ({
    reason,
    message: `${JSON.stringify(name)} is already in use`,
  });
  if (resources.has(plural)) return taken('PluralConflict', plural);
  if (resources.has(singular)) return taken('SingularConflict', singular);
  const short = shortNames.find((name) => resources.has(name));
  if (short !== undefined) return taken('ShortNamesConflict', short);
  if (kindNames.has(kind)) return taken('KindConflict', kind);
  return kindNames.has(listKind) ? taken('ListKindConflict', listKind) : undefined;
}

/** The status of a definition whose names are free or not; the very one that it has where nothing changes. */
export function establishedStatus(crd: Crd, conflict: NameConflict | undefined, now: string): Status {
  const status: Partial<NonNullable<Status>> = crd.status ?? {};
  const wasEstablished = isTrue(status.conditions, 'Established');
  const accepted = condition(
    'NamesAccepted',
    conflict === undefined,
    conflict ?? { reason: 'NoConflicts', message: 'no conflicts found' },
    now,
  );
  const isEstablished = conflict === undefined || wasEstablished;
  const established = condition(
    'Established',
    isEstablished,
    isEstablished
      ? { reason: 'InitialNamesAccepted', message: 'the initial names have been accepted' }
      : { reason: 'NotAccepted', message: 'not all names are accepted' },
    now,
  );
  const conditions = [accepted, established].reduce(withCondition, status.conditions ?? []);
  const acceptedNames = conflict === undefined ? crd.spec.names : (status.acceptedNames ?? { kind: '', plural: '' });
  if (conditions === status.conditions && acceptedNames === status.acceptedNames) return crd.status;
  return { ...status, acceptedNames, conditions };
}

export function terminatingStatus(status: Status, now: string): Status {
  const why = { reason: 'InstanceDeletionInProgress', message: 'CustomResource deletion is in progress' };
  return { ...status, conditions: withCondition(status?.conditions ?? [], condition('Terminating', true, why, now)) };
}

function condition(type: string, isSo: boolean, { reason, message }: NameConflict, now: string): Condition {
  return { lastTransitionTime: now, message, reason, status: isSo ? 'True' : 'False', type };
}

function isTrue(conditions: readonly Condition[] | undefined, type: string): boolean {
  return (conditions ?? []).some((has) => has.type === type && has.status === 'True');
}

/** Puts a condition in the place of the one of its type; the same list where that says the same already. */
function withCondition(conditions: readonly Condition[], next: Condition): readonly Condition[] {
  const present = conditions.find(({ type }) => type === next.type);
  if (present === undefined) return [...conditions, next];
  if (present.status === next.status && present.reason === next.reason && present.message === next.message) {
    return conditions;
  }
  const lastTransitionTime = present.status === next.status ? present.lastTransitionTime : next.lastTransitionTime;
  return conditions.map((has) => (has === present ? { ...next, lastTransitionTime } : has));
}
