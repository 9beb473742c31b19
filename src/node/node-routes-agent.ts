import { formatCidr, parseCidr } from '#base/cidr.ts';
import { errorMessage } from '#base/errors.ts';
import type { Log } from '#base/log.ts';
import type { Node } from '#api/generated/types.ts';
import type { Informer } from '#client/informer.ts';
import type { NodeRoute } from './node-network.ts';
import type { NetworkNamespace } from './network-sync.ts';

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
  const known = new Map<string, readonly NodeRoute[]>();
  let pending = false;
  const update = (): void => {
    if (pending) return;
    pending = true;
    // One pass for a burst of changes, such as the first list.
    queueMicrotask(() => {
      pending = false;
      try {
        network.setNodeRoutes([...known.values()].flat());
      } catch (error) {
        log.error('routes to other nodes not set', { node: self, error: errorMessage(error) });
      }
    });
  };
  const see = (node: Node): void => {
    const routes = node.metadata.name === self ? [] : routesOf(node);
    if (routesText(routes) === routesText(known.get(node.metadata.name) ?? [])) return;
    if (routes.length === 0) known.delete(node.metadata.name);
    else known.set(node.metadata.name, routes);
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

function routesOf({ spec, status }: Node): readonly NodeRoute[] {
  const addresses = (status?.addresses ?? []).filter(({ type }) => type === 'InternalIP');
  return (spec.podCIDRs ?? []).flatMap((text) => {
    const podCidr = parseCidr(text);
    const nodeAddress = addresses.find(({ address }) => address.includes(':') === text.includes(':'))?.address;
    return podCidr === undefined || nodeAddress === undefined ? [] : [{ podCidr, nodeAddress }];
  });
}

function routesText(routes: readonly NodeRoute[]): string {
  return routes.map(({ podCidr, nodeAddress }) => `${formatCidr(podCidr)} ${nodeAddress}`).join();
}
