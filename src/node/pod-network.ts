import { cidrAddress, type Cidr } from '#base/cidr.ts';
import { formatIp } from '#base/ip.ts';
import { fnv1a } from '#base/names.ts';
import { type NetworkStep } from './network-step.ts';

export interface PodNetworkSpec {
  readonly podUid: string;
  readonly podIp: string;
  readonly podCidr: Cidr;
  readonly nodeAddress: string;
}

export interface PodNetworkPlan {
  /** The end of the Pod's wire in the node's namespace. */
  readonly hostLink: string;
  /** In the node's namespace, where the Pod's end is then moved from. */
  readonly wire: readonly NetworkStep[];
  readonly pod: readonly NetworkStep[];
  readonly node: readonly NetworkStep[];
}

/** The first address of the node's block: every Pod's next hop. */
export function gatewayOf(podCidr: Cidr): string {
  return formatIp(cidrAddress(podCidr, 1));
}

/**
 * A Pod has no neighbours: its address is a /32 and everything goes to the gateway, so that all its traffic is routed
 * by the node, where Services are translated. On a bridge, packets between Pods of a node would pass unseen.
 */
export function planPodNetwork(spec: PodNetworkSpec): PodNetworkPlan {
  const gateway = gatewayOf(spec.podCidr);
  const bits = spec.podCidr.family === 4 ? 32 : 128;
  const hostLink = podLinkName(spec.podUid);
  return {
    hostLink,
    wire: [{ kind: 'veth', name: hostLink, peer: 'eth0' }],
    pod: [
      // Who is not root may serve port 80 here, as in other container runtimes: the ports are the Pod's alone.
      { kind: 'sysctl', name: 'net.ipv4.ip_unprivileged_port_start', value: 0 },
      { kind: 'up', link: 'lo' },
      { kind: 'up', link: 'eth0' },
      { kind: 'address', address: `${spec.podIp}/${bits}`, link: 'eth0' },
      { kind: 'route', to: `${gateway}/${bits}`, link: 'eth0' },
      { kind: 'route', to: 'default', via: gateway, link: 'eth0' },
    ],
    node: [
      { kind: 'up', link: hostLink },
      // Without a source the node would take the gateway's address, which other nodes cannot tell from its Pods.
      { kind: 'route', to: `${spec.podIp}/${bits}`, link: hostLink, source: spec.nodeAddress },
    ],
  };
}

/** In the node's namespace. */
export function planPodDetach(spec: PodNetworkSpec): readonly NetworkStep[] {
  return [{ kind: 'unroute', to: `${spec.podIp}/${spec.podCidr.family === 4 ? 32 : 128}` }];
}

/** IFNAMSIZ leaves 15 characters. */
export function podLinkName(podUid: string): string {
  return `veth${fnv1a(podUid).toString(16).padStart(8, '0')}`;
}
