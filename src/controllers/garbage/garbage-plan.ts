import { FOREGROUND, type GraphNode, ORPHAN } from './garbage-graph.ts';

/**
 * `solid`: it exists and stays. `waiting`: it is being deleted in the foreground and waits for its dependents.
 * `absent`: it is gone.
 */
export type OwnerState = 'solid' | 'waiting' | 'absent';

export type GarbageAction =
  | { readonly kind: 'none' }
  | { readonly kind: 'delete'; readonly policy: 'Background' | 'Foreground' | 'Orphan' }
  /** Let its owners go before it, then delete it in the foreground: one of its dependents waits for it already. */
  | { readonly kind: 'unblock-and-delete' }
  /** Take the owners with these uids out of the object. */
  | { readonly kind: 'drop-owners'; readonly uids: readonly string[] }
  /** Take the object itself out of its dependents' owners, then the finalizer off. */
  | { readonly kind: 'orphan-dependents' }
  | { readonly kind: 'remove-finalizer'; readonly finalizer: string };

/** What to do with one object, given what became of its owners. Models garbagecollector.go of v1.34. */
export function planGarbage(
  node: GraphNode,
  ownerStates: readonly OwnerState[],
  dependents: readonly GraphNode[],
): GarbageAction {
  if (node.terminating) return planTerminating(node, dependents);
  if (node.owners.length === 0) return { kind: 'none' };
  const gone = node.owners.filter((_, i) => ownerStates[i] !== 'solid').map(({ uid }) => uid);
  if (ownerStates.includes('solid')) {
    return gone.length === 0 ? { kind: 'none' } : { kind: 'drop-owners', uids: gone };
  }
  if (ownerStates.includes('waiting') && dependents.length > 0) {
    return dependents.some(isWaiting) ? { kind: 'unblock-and-delete' } : { kind: 'delete', policy: 'Foreground' };
  }
  if (node.finalizers.includes(ORPHAN)) return { kind: 'delete', policy: 'Orphan' };
  return { kind: 'delete', policy: node.finalizers.includes(FOREGROUND) ? 'Foreground' : 'Background' };
}

/** It is being deleted in the foreground: a ring of owners may come back to it. */
export function isWaiting({ terminating, finalizers }: GraphNode): boolean {
  return terminating && finalizers.includes(FOREGROUND);
}

function planTerminating(node: GraphNode, dependents: readonly GraphNode[]): GarbageAction {
  if (node.finalizers.includes(ORPHAN)) return { kind: 'orphan-dependents' };
  if (!node.finalizers.includes(FOREGROUND)) return { kind: 'none' };
  return dependents.some((dependent) => blocks(dependent, node))
    ? { kind: 'none' }
    : { kind: 'remove-finalizer', finalizer: FOREGROUND };
}

/** A dependent that waits for the very object it blocks would wait for ever. */
function blocks(dependent: GraphNode, owner: GraphNode): boolean {
  const circular = owner.owners.some(({ uid }) => uid === dependent.uid) && dependent.finalizers.includes(FOREGROUND);
  return (
    !circular &&
    dependent.owners.some(({ uid, blockOwnerDeletion }) => uid === owner.uid && blockOwnerDeletion === true)
  );
}
