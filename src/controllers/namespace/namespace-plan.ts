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

interface Aspect {
  readonly type: string;
  /** What is wrong, if anything is. */
  readonly trouble: (remains: Remains) => string | undefined;
  readonly reason: string;
  readonly well: readonly [reason: string, message: string];
}

/** In upstream's order and words (pkg/controller/namespace/deletion/status_condition_utils.go of v1.34). */
const ASPECTS: readonly Aspect[] = [
  {
    type: 'NamespaceDeletionDiscoveryFailure',
    trouble: ({ discoveryError }) => discoveryError,
    reason: 'DiscoveryFailed',
    well: ['ResourcesDiscovered', 'All resources successfully discovered'],
  },
  {
    type: 'NamespaceDeletionGroupVersionParsingFailure',
    trouble: () => undefined,
    reason: 'GroupVersionParsingFailed',
    well: ['ParsedGroupVersions', 'All legacy kube types successfully parsed'],
  },
  {
    type: 'NamespaceDeletionContentFailure',
    trouble: ({ deletionError }) => deletionError,
    reason: 'ContentDeletionFailed',
    well: ['ContentDeleted', 'All content successfully deleted, may be waiting on finalization'],
  },
  {
    type: 'NamespaceContentRemaining',
    trouble: ({ resources }) => remainingText('Some resources are remaining:', resources, 'has'),
    reason: 'SomeResourcesRemain',
    well: ['ContentRemoved', 'All content successfully removed'],
  },
  {
    type: 'NamespaceFinalizersRemaining',
    trouble: ({ finalizers }) =>
      remainingText('Some content in the namespace has finalizers remaining:', finalizers, 'in'),
    reason: 'SomeFinalizersRemain',
    well: ['ContentHasNoFinalizers', 'All content-preserving finalizers finished'],
  },
];

/** The conditions that `kubectl describe namespace` shows while a namespace does not go away. */
export function terminatingStatus(
  before: NamespaceStatus | undefined,
  remains: Remains,
  timestamp: string,
): NamespaceStatus {
  const conditions = ASPECTS.map(({ type, trouble, reason, well }): NamespaceCondition => {
    const message = trouble(remains);
    const status = message === undefined ? 'False' : 'True';
    const old = before?.conditions?.find((condition) => condition.type === type);
    const lastTransitionTime = old?.status === status ? old.lastTransitionTime : timestamp;
    const told = message === undefined ? { reason: well[0], message: well[1] } : { reason, message };
    return { type, status, lastTransitionTime, ...told };
  });
  return { phase: 'Terminating', conditions };
}

function remainingText(lead: string, counts: ReadonlyMap<string, number>, verb: string): string | undefined {
  if (counts.size === 0) return undefined;
  const parts = [...counts]
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([name, count]) => `${name} ${verb} ${count} resource instances`);
  return `${lead} ${parts.join(', ')}`;
}
