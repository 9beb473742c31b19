import { parseCidr } from '#base/cidr.ts';
import { errorMessage } from '#base/errors.ts';
import { type Log } from '#base/log.ts';
import { type Node } from '#api/generated/types.ts';
import { type Informer } from '#client/informer.ts';
import { type NodeRoute } from './node-network.ts';
import { type NetworkNamespace } from './network-sync.ts';

/**
 * Keeps a namespace's routes to the Pods of all nodes as the Node objects say. `self` is the node whose own
 * Pods are not beyond any route; the fabric, which is no node, has none.
 */
export function followNodeRoutes(
  nodes: Informer<Node>,
  network: NetworkNamespace,
  log: Log,
  self?: string,
): Disposable {
  const known = new Map<string, NodeRoute>();
  let pending = false;
  const update = (): void => {
    if (pending) return;
    pending = true;
    // One pass for a burst of changes, such as the first list.
    queueMicrotask(() => {
      pending = false;
      try {
        network.setNodeRoutes([...known.values()]);
      } catch (error) {
        log.error('routes to other nodes not set', { node: self, error: errorMessage(error) });
      }
    });
  };
  const see = (node: Node): void => {
    const route = node.metadata.name === self ? undefined : routeOf(node);
    const before = known.get(node.metadata.name);
    if (route?.nodeAddress === before?.nodeAddress && route?.podCidr.base === before?.podCidr.base) return;
    if (route === undefined) known.delete(node.metadata.name);
    else known.set(node.metadata.name, route);
    update();
  };
  return nodes.on({
    added: see,
    updated: see,
    deleted: (node) => {
      if (known.delete(node.metadata.name)) update();
    },
  });
}

function routeOf(node: Node): NodeRoute | undefined {
  const podCidr = parseCidr(node.spec.podCIDR ?? '');
  const nodeAddress = node.status?.addresses?.find(({ type }) => type === 'InternalIP')?.address;
  return podCidr === undefined || nodeAddress === undefined ? undefined : { podCidr, nodeAddress };
}
