import type { NetworkStep } from '#node/network-step.ts';
import { masquerade, matchValue } from '#nftables/statement.ts';
import { chain, rule, type Table } from '#nftables/table.ts';
import { meta } from '#nftables/expression.ts';

/** The interface that pasta makes, in a network namespace of its own: what goes out of it, pasta says on the host. */
export const PASTA_LINK = 'egress0';

/** On the wire between the fabric and that namespace. Link-local, as nobody else needs to know them. */
const FABRIC_END = '169.254.77.1';
const PASTA_END = '169.254.77.2';

export interface EgressPlan {
  /** In the fabric, which has the other end moved to the other namespace. */
  readonly wire: readonly NetworkStep[];
  readonly pasta: readonly NetworkStep[];
  readonly fabric: readonly NetworkStep[];
}

/** From the fabric to pasta and back to the nodes and Pods, whose IPv4 ranges are `inside`. */
export function planEgress(inside: readonly string[]): EgressPlan {
  return {
    wire: [{ kind: 'veth', name: 'egress', peer: 'fabric' }],
    pasta: [
      { kind: 'sysctl', name: 'net.ipv4.ip_forward', value: 1 },
      { kind: 'sysctl', name: 'net.ipv4.conf.all.rp_filter', value: 0 },
      { kind: 'sysctl', name: `net.ipv4.conf.${PASTA_LINK}.rp_filter`, value: 0 },
      { kind: 'sysctl', name: 'net.ipv4.conf.fabric.rp_filter', value: 0 },
      { kind: 'address', address: `${PASTA_END}/30`, link: 'fabric' },
      { kind: 'up', link: 'fabric' },
      ...inside.map((to): NetworkStep => ({ kind: 'route', to, via: FABRIC_END })),
    ],
    fabric: [
      { kind: 'address', address: `${FABRIC_END}/30`, link: 'egress' },
      { kind: 'up', link: 'egress' },
      { kind: 'route', to: 'default', via: PASTA_END },
    ],
  };
}

/** pasta takes all that it is sent for one machine's, by the address that it was last seen with. */
export const egressRules: Table = {
  kind: 'table',
  family: 'ip',
  name: 'clusterip-egress',
  sets: [],
  chains: [
    chain('out', [rule([matchValue(meta('oifname'), JSON.stringify(PASTA_LINK)), masquerade()])], {
      hook: { type: 'nat', hook: 'postrouting', priority: 100 },
    }),
  ],
};

/**
 * How pasta is started: with a program that stays until its input ends, in a namespace that nobody else has, and with
 * nothing but the way out. The addresses are on its own interface only.
 */
export function pastaArguments(options: { readonly asRoot: boolean }): readonly string[] {
  return [
    '--foreground',
    '--stderr',
    '--quiet',
    '--config-net',
    '--ipv4-only',
    `--ns-ifname=${PASTA_LINK}`,
    '--address=169.254.77.6',
    '--netmask=30',
    '--gateway=169.254.77.5',
    // What listens on the machine's loopback is not for Pods, nor the other way around.
    '--no-map-gw',
    '--tcp-ports=none',
    '--udp-ports=none',
    '--tcp-ns=none',
    '--udp-ns=none',
    '--no-dhcp',
    ...(options.asRoot ? ['--runas=0:0'] : []),
    '--',
    'sh',
    '-c',
    'echo up; read _',
  ];
}
