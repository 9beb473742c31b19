/**
 * One change to the network of a namespace, as data: planned by pure functions, executed by `network-sync.ts`.
 * Addresses and blocks are text, links have names.
 */
export type NetworkStep =
  /** `noArp`: what is sent there asks for nobody. */
  | { readonly kind: 'bridge'; readonly name: string; readonly noArp?: boolean }
  /** `peer` appears in the other namespace, still down. */
  | { readonly kind: 'veth'; readonly name: string; readonly peer: string; readonly master?: string }
  | { readonly kind: 'up'; readonly link: string }
  | { readonly kind: 'down'; readonly link: string }
  | { readonly kind: 'address'; readonly address: string; readonly link: string }
  | {
      readonly kind: 'route';
      readonly to: string;
      readonly link?: string;
      readonly via?: string;
      readonly source?: string;
      /** Goes before the machine's own addresses: 127.0.0.0/8 is all of the loopback there. */
      readonly table?: 'local';
    }
  | { readonly kind: 'unroute'; readonly to: string }
  /** `optional`: not every kernel has it, or lets us set it. */
  | { readonly kind: 'sysctl'; readonly name: string; readonly value: number; readonly optional?: true };

/** Nearly as ip(8) and sysctl(8) would be asked for it. */
export function formatNetworkStep(step: NetworkStep): string {
  switch (step.kind) {
    case 'bridge':
      return `link add ${step.name}${step.noArp === true ? ' arp off' : ''} type bridge`;
    case 'veth': {
      const master = step.master === undefined ? '' : ` master ${step.master}`;
      return `link add ${step.name} type veth peer ${step.peer}${master}`;
    }
    case 'up':
      return `link set ${step.link} up`;
    case 'down':
      return `link set ${step.link} down`;
    case 'address':
      return `addr add ${step.address} dev ${step.link}`;
    case 'route': {
      const via = step.via === undefined ? '' : ` via ${step.via}`;
      const link = step.link === undefined ? '' : ` dev ${step.link}`;
      const source = step.source === undefined ? '' : ` src ${step.source}`;
      const table = step.table === undefined ? '' : ` table ${step.table}`;
      return `route replace ${step.to}${via}${link}${source}${table}`;
    }
    case 'unroute':
      return `route del ${step.to}`;
    case 'sysctl':
      return `${step.name} = ${step.value}`;
  }
}
