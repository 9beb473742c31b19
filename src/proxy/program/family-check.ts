import type { Cidr } from '#base/cidr.ts';
import type { IpFamily } from '#base/ip.ts';
import type { LocalDetection } from '../config/proxy-config.ts';
import type { NodeFacts } from '../node-view.ts';

/**
 * What is wrong with where Pods' addresses are said to come from, in upstream's words (cmd/kube-proxy/app/server.go:
 * checkBadIPConfig): with ranges of the other family alone, everybody counts as outside.
 */
export function familyTrouble(
  local: LocalDetection,
  { addresses, podCidrs = [] }: NodeFacts,
  families: readonly IpFamily[],
): string | undefined {
  const primary: IpFamily = addresses[0]?.includes(':') === true ? 6 : 4;
  const cluster = `cluster is IPv${primary}-${families.length > 1 ? 'primary' : 'only'}`;
  const isOther = (ranges: readonly Cidr[]): boolean =>
    ranges.length > 0 && ranges.every(({ family }) => family !== primary);
  const other = `contains only IPv${primary === 4 ? 6 : 4} addresses`;
  if (local.kind === 'cluster-ranges' && isOther(local.cidrs)) return `${cluster} but clusterCIDRs ${other}`;
  if (local.kind === 'node-ranges' && isOther(podCidrs)) return `${cluster} but node.spec.podCIDRs ${other}`;
  return undefined;
}
