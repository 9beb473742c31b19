import type { Pod } from '#api/generated/types.ts';
import type { Informer } from '#client/informer.ts';

const BY_NODE = 'pods-by-node';

/** Which Pods are on a node, for all who ask by one index. */
export function podsByNode(pods: Informer<Pod>): (node: string) => readonly Pod[] {
  pods.addIndex(BY_NODE, ({ spec }) => ((spec.nodeName ?? '') === '' ? [] : [spec.nodeName ?? '']));
  return (node) => pods.byIndex(BY_NODE, node);
}
