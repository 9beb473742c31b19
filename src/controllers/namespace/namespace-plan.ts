import type { NamespaceCondition, NamespaceStatus } from '#api/generated/types.ts';

/** What is left in a namespace after a pass over it. */
export interface Remains {
  /** `pods.`, `deployments.apps` to the number of objects. */
  readonly resources: ReadonlyMap<string, number>;
  /** Finalizer to the number of objects that it keeps. */
  readonly finalizers: ReadonlyMap<string, number>;
  readonly discoveryError?: string | undefined;
  readonly deletionError?: string | undefined;
}

/** The conditions that `kubectl describe namespace` shows while a namespace does not go away. */
export function terminatingStatus(
  before: NamespaceStatus | undefined,
  remains: Remains,
  timestamp: string,
): NamespaceStatus {
  const texts: readonly (readonly [
    type: string,
    bad: string | undefined,
    badReason: string,
    good: string,
    goodReason: string,
  ])[] = [
    [
      'NamespaceDeletionDiscoveryFailure',
      remains.discoveryError,
      'DiscoveryFailed',
      'All resources successfully discovered',
      'ResourcesDiscovered',
    ],
    [
      'NamespaceDeletionContentFailure',
      remains.deletionError,
      'ContentDeletionFailed',
      'All content successfully deleted, may be waiting on finalization',
      'ContentDeleted',
    ],
    [
      'NamespaceContentRemaining',
      remainingText('Some resources are remaining: ', remains.resources, 'has', 'resource instances'),
      'SomeResourcesRemain',
      'All content successfully removed',
      'ContentRemoved',
    ],
    [
      'NamespaceFinalizersRemaining',
      remainingText(
        'Some content in the namespace has finalizers remaining: ',
        remains.finalizers,
        'in',
        'resource instances',
      ),
      'SomeFinalizersRemain',
      'All content-preserving finalizers finished',
      'ContentHasNoFinalizers',
    ],
  ];
  const conditions = texts.map(([type, bad, badReason, good, goodReason]): NamespaceCondition => {
    const status = bad === undefined ? 'False' : 'True';
    const old = before?.conditions?.find((condition) => condition.type === type);
    return {
      type,
      status,
      lastTransitionTime: old?.status === status ? old.lastTransitionTime : timestamp,
      reason: bad === undefined ? goodReason : badReason,
      message: bad ?? good,
    };
  });
  return { phase: 'Terminating', conditions };
}

function remainingText(
  lead: string,
  counts: ReadonlyMap<string, number>,
  verb: string,
  noun: string,
): string | undefined {
  if (counts.size === 0) return undefined;
  const parts = [...counts]
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([name, count]) => `${name} ${verb} ${count} ${noun}`);
  return `${lead}${parts.join(', ')}`;
}
