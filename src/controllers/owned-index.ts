import { controllerOf, type KubeObject } from '#api/object.ts';
import type { Informer } from '#client/informer.ts';

const BY_OWNER = 'owned/owner';

/**
 * Makes the informer find what an owner has and what in its namespace nobody has, however much is in there that others
 * have.
 */
export function indexByOwner<T extends KubeObject>(informer: Informer<T>): (owner: KubeObject) => readonly T[] {
  informer.addIndex(BY_OWNER, (object) => [controllerOf(object)?.uid ?? orphansIn(object.metadata.namespace)]);
  return ({ metadata }) => [
    ...informer.byIndex(BY_OWNER, metadata.uid),
    ...informer.byIndex(BY_OWNER, orphansIn(metadata.namespace)),
  ];
}

/** No uid looks like that. */
function orphansIn(namespace: string = ''): string {
  return `orphans/${namespace}`;
}
