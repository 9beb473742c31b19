import { cidrContains, cidrAddress, cidrSize, type Cidr } from '#base/cidr.ts';
import { ipBytes, type IpFamily } from '#base/ip.ts';
import { concat, meta, numgen, payload, type ConcatExpression, type PayloadExpression } from '#nftables/expression.ts';
import { encodeKey, keyLength } from '#nftables/key.ts';
import { layoutOf, type Element, type Family, type SetDeclaration } from '#nftables/table.ts';
import type { FrontendKind } from './frontend.ts';

export const TABLE_NAME = 'clusterip';

/** Frontends are found by address, protocol and port, and those that every address of the node has by protocol and port. */
export type PlaneName = 'address' | 'port';

export interface PlaneSets {
  /** Frontend -> how many backends it has, and so which chain picks one; those to refuse are not in it. */
  readonly counts: Readonly<Record<FrontendKind, SetDeclaration>>;
  /** Frontend and slot -> backend; slots are 0 to N-1, those of `local` frontends start at LOCAL_SLOTS. */
  readonly endpoints: SetDeclaration;
  /** With session affinity: frontend and slot -> the backend's id; frontend and id -> backend. */
  readonly slots: SetDeclaration;
  readonly byId: SetDeclaration;
  readonly localById: SetDeclaration;
  /** Client and frontend -> id: what the kernel remembers by itself. */
  readonly affinity: SetDeclaration;
  /** Frontends without backends, besides cluster addresses. */
  readonly refused: SetDeclaration;
}

export interface Plane {
  readonly name: PlaneName;
  readonly frontend: ConcatExpression;
  readonly frontendLength: number;
  readonly sets: PlaneSets;
}

/** The other sets. Their number does not depend on the cluster's size. */
export interface RulesetSets {
  /** How many backends -> the chain that picks one of so many. */
  readonly pick: SetDeclaration;
  /** Frontend -> the chain that lets only some clients pass. */
  readonly firewall: SetDeclaration;
  /** Every cluster address: what is sent there and was not translated is refused. */
  readonly addresses: SetDeclaration;
  readonly externalAddresses: SetDeclaration;
  /** The ranges cluster addresses come from: what is sent to one that nobody has is dropped. */
  readonly ranges: SetDeclaration;
  readonly pods: SetDeclaration;
  readonly nodeAddresses: SetDeclaration;
  /** Backends of this node as source and destination: a Pod that reaches itself must not see its own address. */
  readonly hairpin: SetDeclaration;
  readonly protocols: SetDeclaration;
}

export interface Ruleset {
  readonly family: Family;
  readonly source: PayloadExpression;
  readonly destination: PayloadExpression;
  readonly planes: Readonly<Record<PlaneName, Plane>>;
  readonly sets: RulesetSets;
  /** The sets that changes of the cluster touch, in the order in which elements are added; they go the other way. */
  readonly order: readonly SetDeclaration[];
  /** Bytes of an address. */
  readonly addressLength: number;
}

interface Fields {
  readonly source: PayloadExpression;
  readonly destination: PayloadExpression;
  readonly backend: ConcatExpression;
}

function set(name: string, key: SetDeclaration['key'], comment: string): SetDeclaration {
  return Object.freeze({ kind: 'set', name, key, comment });
}

function intervals(name: string, key: SetDeclaration['key'], comment: string): SetDeclaration {
  return { kind: 'set', name, key, flags: ['interval'], comment };
}

function plane(name: PlaneName, fields: Fields): Plane {
  const isPort = name === 'port';
  const port = payload('th dport');
  const priority = meta('priority');
  const frontend = isPort ? concat(meta('l4proto'), port) : concat(fields.destination, meta('l4proto'), port);
  const prefix = isPort ? 'port-' : '';
  const count = (suffix: string, comment: string): SetDeclaration => ({
    kind: 'map',
    name: isPort ? `port-${suffix}` : suffix,
    key: frontend,
    data: priority,
    comment,
  });
  const slot = concat(...frontend.fields, numgen('random', 1024));
  const id = concat(...frontend.fields, priority);
  const byId = (suffix: string, comment: string): SetDeclaration => ({
    kind: 'map',
    name: `${prefix}${suffix}`,
    key: id,
    data: fields.backend,
    comment,
  });
  const external = count('external', 'policy Cluster, for everybody: backends');
  const counts = {
    cluster: isPort ? external : count('services', 'cluster addresses: backends'),
    external,
    inside: count('inside', 'policy Local, for clients in the cluster: backends'),
    local: count('local', 'policy Local, for clients outside: backends of this node'),
  };
  const sets: PlaneSets = {
    counts,
    endpoints: { kind: 'map', name: `${prefix}endpoints`, key: slot, data: fields.backend },
    slots: {
      kind: 'map',
      name: `${prefix}slots`,
      key: slot,
      data: priority,
      comment: 'with affinity: ids of backends',
    },
    byId: byId('byid', 'with affinity: backends by id'),
    localById: byId('local-byid', 'with affinity: those of this node'),
    affinity: {
      kind: 'map',
      name: `${prefix}affinity`,
      key: concat(fields.source, ...frontend.fields),
      data: priority,
      // The kernel's own default for a map that rules write to; said, so that it reads back as declared.
      size: 65_535,
      flags: ['dynamic', 'timeout'],
      timeoutSeconds: 10_800,
      comment: 'clients that stay with their backend',
    },
    refused: set(`${prefix}refused`, frontend, 'without backends'),
  };
  return { name, frontend, frontendLength: keyLength(layoutOf(frontend)), sets };
}

/** The count that makes slots reachable comes after them. */
function orderOf({ sets }: Plane): SetDeclaration[] {
  const { counts, endpoints, slots, byId, localById, refused } = sets;
  return [endpoints, byId, localById, slots, refused, ...new Set(Object.values(counts))];
}

export function ruleset(ipFamily: IpFamily): Ruleset {
  const family = ipFamily === 4 ? 'ip' : 'ip6';
  const source = payload(family === 'ip' ? 'ip saddr' : 'ip6 saddr');
  const destination = payload(family === 'ip' ? 'ip daddr' : 'ip6 daddr');
  const fields = { source, destination, backend: concat(destination, payload('th dport')) };
  const address = plane('address', fields);
  const sets: RulesetSets = {
    pick: { kind: 'vmap', name: 'pick', key: meta('priority'), comment: 'backends : chain' },
    firewall: { kind: 'vmap', name: 'firewall', key: address.frontend, comment: 'loadBalancerSourceRanges' },
    addresses: set('addresses', destination, 'cluster addresses in use'),
    externalAddresses: set('external-addresses', destination, 'of load balancers, and external IPs'),
    ranges: intervals('ranges', destination, 'where cluster addresses come from'),
    pods: intervals('pods', source, 'clients in the cluster'),
    nodeAddresses: intervals('node-addresses', destination, 'where NodePorts answer'),
    hairpin: set('hairpin', concat(source, destination), 'backends on this node'),
    protocols: Object.freeze({ kind: 'set', name: 'protocols', key: meta('l4proto') }),
  };
  const port = plane('port', fields);
  const order = [sets.hairpin, sets.addresses, sets.externalAddresses, ...orderOf(address), ...orderOf(port)];
  const addressLength = ipFamily === 4 ? 4 : 16;
  return { family, source, destination, planes: { address, port }, sets, order, addressLength };
}

export function planeOf(rules: Ruleset, isPort: boolean): Plane {
  return isPort ? rules.planes.port : rules.planes.address;
}

/** As an interval set takes them: none inside another. */
export function intervalElements(cidrs: readonly Cidr[], family: Family): Element[] {
  const own = cidrs.filter((cidr) => (cidr.family === 4) === (family === 'ip'));
  const outer = own.filter(
    (cidr, i) =>
      !own.some((other, j) => j !== i && cidrContains(other, cidrAddress(cidr, 0)) && isInside(cidr, other, i, j)),
  );
  return outer.map(intervalElement);
}

/** Of two that are equal the first one stays. */
function isInside(cidr: Cidr, other: Cidr, i: number, j: number): boolean {
  return cidr.prefix > other.prefix || (cidr.prefix === other.prefix && j < i);
}

function intervalElement(cidr: Cidr): Element {
  const key = ipBytes(cidrAddress(cidr, 0));
  const end = cidr.base + cidrSize(cidr);
  const isLast = end === 1n << BigInt(cidr.family === 4 ? 32 : 128);
  return isLast ? { key } : { key, end: ipBytes({ family: cidr.family, value: end }) };
}

export function element(declaration: SetDeclaration, ...texts: readonly string[]): Element {
  return { key: encodeKey(layoutOf(declaration.key), texts) };
}
