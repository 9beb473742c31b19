import type { NetworkStep } from '#node/network-step.ts';
import { noDad } from '#node/node-network.ts';
import { masquerade, matchValue } from '#nftables/statement.ts';
import { chain, rule, type Table } from '#nftables/table.ts';
import { meta } from '#nftables/expression.ts';

/** The interface that pasta makes, in a network namespace of its own: what goes out of it, pasta says on the host. */
export const PASTA_LINK = 'egress0';

/** Addresses of one family that nobody else needs to know. */
interface EgressFamily {
  readonly family: 'ip' | 'ip6';
  /** The wire between the fabric and that namespace. */
  readonly fabricEnd: string;
  readonly pastaEnd: string;
  readonly length: number;
  /** What pasta takes for the one machine that it serves, and for the way out. */
  readonly pasta: readonly string[];
}

/** Link-local, and of RFC 4193. */
const FAMILIES: readonly EgressFamily[] = [
  {
    family: 'ip',
    fabricEnd: '169.254.77.1',
    pastaEnd: '169.254.77.2',
    length: 30,
    pasta: ['--address=169.254.77.6', '--netmask=30', '--gateway=169.254.77.5'],
  },
  {
    family: 'ip6',
    fabricEnd: 'fd77:a9fe:4d01::1',
    pastaEnd: 'fd77:a9fe:4d01::2',
    length: 64,
    pasta: ['--address=fd77:a9fe:4d02::2', '--gateway=fd77:a9fe:4d02::1'],
  },
];

/** Those of the ranges. */
function familiesOf(ranges: readonly string[]): readonly EgressFamily[] {
  return FAMILIES.filter(({ family }) => ranges.some((range) => familyOf(range) === family));
}

function familyOf(range: string): EgressFamily['family'] {
  return range.includes(':') ? 'ip6' : 'ip';
}

export interface EgressPlan {
  /** In the fabric, which has the other end moved to the other namespace. */
  readonly wire: readonly NetworkStep[];
  readonly pasta: readonly NetworkStep[];
  readonly fabric: readonly NetworkStep[];
}

/**
 * From the fabric to pasta and back to the nodes and Pods, whose ranges are `inside`. A family that the machine has no
 * way out for ends in pasta's namespace, which says so at once.
 */
export function planEgress(inside: readonly string[]): EgressPlan {
  const families = familiesOf(inside);
  return {
    wire: [{ kind: 'veth', name: 'egress', peer: 'fabric' }],
    pasta: [
      { kind: 'sysctl', name: 'net.ipv4.ip_forward', value: 1 },
      { kind: 'sysctl', name: 'net.ipv4.conf.all.rp_filter', value: 0 },
      { kind: 'sysctl', name: `net.ipv4.conf.${PASTA_LINK}.rp_filter`, value: 0 },
      { kind: 'sysctl', name: 'net.ipv4.conf.fabric.rp_filter', value: 0 },
      ...(families.some(({ family }) => family === 'ip6') ? router6 : []),
      ...families.map(({ pastaEnd, length }) => address(`${pastaEnd}/${length}`, 'fabric')),
      { kind: 'up', link: 'fabric' },
      ...families.flatMap(({ family, fabricEnd: via }) =>
        inside.filter((range) => familyOf(range) === family).map((to): NetworkStep => ({ kind: 'route', to, via })),
      ),
    ],
    fabric: [
      ...families.map(({ fabricEnd, length }) => address(`${fabricEnd}/${length}`, 'egress')),
      { kind: 'up', link: 'egress' },
      ...families.map(({ pastaEnd }): NetworkStep => ({ kind: 'route', to: 'default', via: pastaEnd })),
    ],
  };
}

const router6: readonly NetworkStep[] = [
  { kind: 'sysctl', name: 'net.ipv6.conf.all.forwarding', value: 1 },
  // Else pasta's first answers are lost here, and it does not send them again.
  noDad('fabric'),
];

function address(text: string, link: string): NetworkStep {
  return { kind: 'address', address: text, link };
}

/** pasta takes all that it is sent for one machine's, by the address that it was last seen with. */
export function egressRules(inside: readonly string[]): readonly Table[] {
  return familiesOf(inside).map(({ family }) => ({
    kind: 'table',
    family,
    name: 'clusterip-egress',
    sets: [],
    chains: [
      chain('out', [rule([matchValue(meta('oifname'), JSON.stringify(PASTA_LINK)), masquerade()])], {
        hook: { type: 'nat', hook: 'postrouting', priority: 100 },
      }),
    ],
  }));
}

export interface PastaOptions {
  readonly asRoot: boolean;
  /** Ranges of nodes and Pods, whose families it serves: as far as the machine has them. */
  readonly inside: readonly string[];
}

/**
 * How pasta is started: with a program that stays until its input ends, in a namespace that nobody else has, and with
 * nothing but the way out. The addresses are on its own interface only.
 */
export function pastaArguments({ asRoot, inside }: PastaOptions): readonly string[] {
  const families = familiesOf(inside);
  return [
    '--foreground',
    '--stderr',
    '--quiet',
    '--config-net',
    ...(families.length > 1 ? [] : families.map(({ family }) => (family === 'ip' ? '--ipv4-only' : '--ipv6-only'))),
    `--ns-ifname=${PASTA_LINK}`,
    ...families.flatMap(({ pasta }) => pasta),
    // What listens on the machine's loopback is not for Pods, nor the other way around.
    '--no-map-gw',
    '--tcp-ports=none',
    '--udp-ports=none',
    '--tcp-ns=none',
    '--udp-ns=none',
    '--no-dhcp',
    '--no-dhcpv6',
    '--no-ra',
    ...(asRoot ? ['--runas=0:0'] : []),
    '--',
    'sh',
    '-c',
    'echo up; read _',
  ];
}
