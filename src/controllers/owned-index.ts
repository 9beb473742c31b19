import { controllerOf, type KubeObject } from '#api/object.ts';
import type { Informer } from '#client/informer.ts';

const BY_OWNER = 'owned/owner';

export interface OwnedIndex<T> {
  /** What the owner of this uid controls. */
  of(uid: string): readonly T[];
  /** The same and what nobody has in the owner's namespace, however much is in there that others have. */
  candidates(owner: KubeObject): readonly T[];
}

/** One index of an informer, whoever asks for it. */
export function ownedIndex<T extends KubeObject>(informer: Informer<T>): OwnedIndex<T> {
  informer.addIndex(BY_OWNER, (object) => [controllerOf(object)?.uid ?? orphansIn(object.metadata.namespace)]);
  const of = (uid: string): readonly T[] => informer.byIndex(BY_OWNER, uid);
  return { of, candidates: ({ metadata }) => [...of(metadata.uid), ...of(orphansIn(metadata.namespace))] };
}

/** No uid looks like that. */
function orphansIn(namespace: string = ''): string {
  return `orphans/${namespace}`;
}
