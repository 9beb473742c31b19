import { cidrAddress, cidrSize, type Cidr } from '#base/cidr.ts';
import { ipBytes, type IpFamily } from '#base/ip.ts';
import {
  concat,
  ct,
  map,
  meta,
  numgen,
  payload,
  value,
  type ConcatExpression,
  type PayloadExpression,
} from '#nftables/expression.ts';
import { encodeKey, keyLength } from '#nftables/key.ts';
import {
  accept,
  assign,
  dnat,
  drop,
  goTo,
  masquerade,
  matchFlags,
  matchSet,
  matchValue,
  reject,
  verdict,
  vmap,
} from '#nftables/statement.ts';
import {
  chain,
  layoutOf,
  rule,
  type Chain,
  type Element,
  type Family,
  type SetContent,
  type SetDeclaration,
  type Table,
} from '#nftables/table.ts';

export const TABLE_NAME = 'clusterip';

/**
 * The packet's priority carries the number of backends from the map of frontends to the chain that picks one: nft can
 * neither use a map's result in another key nor jump on it. The major half tells ours from priorities set by others.
 */
const PRIORITY_MAJOR = 0x6b70;

/** The parts of the ruleset that changes of the cluster touch. Their number does not depend on its size. */
export interface RulesetSets {
  /** Frontend -> how many backends it has; those without any are not in it. */
  readonly services: SetDeclaration;
  /** How many -> the chain that picks one of so many. */
  readonly pick: SetDeclaration;
  /** Frontend and slot -> backend; slots are 0 to N-1. */
  readonly endpoints: SetDeclaration;
  /** Every cluster address: what is sent there and was not translated is refused. */
  readonly addresses: SetDeclaration;
  /** The ranges cluster addresses come from: what is sent to one that nobody has is dropped. */
  readonly ranges: SetDeclaration;
  /** Backends of this node as source and destination: a Pod that reaches itself must not see its own address. */
  readonly hairpin: SetDeclaration;
  readonly protocols: SetDeclaration;
}

export interface Ruleset {
  readonly family: Family;
  readonly sets: RulesetSets;
  /** Bytes of an address. */
  readonly addressLength: number;
  readonly frontendLength: number;
  /** Bytes of a backend's address and port. */
  readonly backendLength: number;
}

function set(name: string, key: SetDeclaration['key'], comment?: string): SetDeclaration {
  return Object.freeze({ kind: 'set', name, key, ...(comment === undefined ? {} : { comment }) });
}

interface Fields {
  readonly source: PayloadExpression;
  readonly destination: PayloadExpression;
  readonly frontend: ConcatExpression;
  readonly backend: ConcatExpression;
}

function fields(family: Family): Fields {
  const source = payload(family === 'ip' ? 'ip saddr' : 'ip6 saddr');
  const destination = payload(family === 'ip' ? 'ip daddr' : 'ip6 daddr');
  const port = payload('th dport');
  return {
    source,
    destination,
    frontend: concat(destination, meta('l4proto'), port),
    backend: concat(destination, port),
  };
}

function slotted(family: Family, modulus: number): ConcatExpression {
  return concat(...fields(family).frontend.fields, numgen('random', modulus));
}

export function ruleset(ipFamily: IpFamily): Ruleset {
  const family = ipFamily === 4 ? 'ip' : 'ip6';
  const { source, destination, frontend, backend } = fields(family);
  const priority = meta('priority');
  const sets: RulesetSets = {
    services: { kind: 'map', name: 'services', key: frontend, data: priority, comment: 'frontend : backends' },
    pick: { kind: 'vmap', name: 'pick', key: priority, comment: 'backends : chain' },
    endpoints: { kind: 'map', name: 'endpoints', key: slotted(family, 1024), data: backend },
    addresses: set('addresses', destination, 'cluster addresses in use'),
    ranges: { ...set('ranges', destination, 'where cluster addresses come from'), flags: ['interval'] },
    hairpin: set('hairpin', concat(source, destination), 'backends on this node'),
    protocols: set('protocols', meta('l4proto')),
  };
  return {
    family,
    sets,
    addressLength: ipFamily === 4 ? 4 : 16,
    frontendLength: keyLength(layoutOf(frontend)),
    backendLength: keyLength(layoutOf(backend)),
  };
}

/** As bytes of `meta priority`. */
export function priorityOf(backends: number): Uint8Array {
  const bytes = new Uint8Array(4);
  new DataView(bytes.buffer).setUint32(0, PRIORITY_MAJOR * 0x10000 + backends, true);
  return bytes;
}

export function backendsOf(priority: Uint8Array): number {
  return (priority[0] ?? 0) | ((priority[1] ?? 0) << 8);
}

export function pickElement(backends: number): Element {
  return { key: priorityOf(backends), verdict: goTo(pickName(backends)) };
}

export function pickName(backends: number): string {
  return `pick-${backends}`;
}

/** undefined for other chains. */
export function backendsOfPick(name: string): number | undefined {
  const digits = /^pick-([1-9]\d*)$/.exec(name)?.[1];
  return digits === undefined ? undefined : Number(digits);
}

/**
 * Picks one of `backends`. The last line is for a packet that read the number before a change and looks up the slot
 * after it: slot 0 is there as long as any is. Without it some connections fail at every change.
 */
export function pickChain(family: Family, backends: number): Chain {
  const to = (modulus: number): ReturnType<typeof rule> =>
    rule([
      matchSet(meta('l4proto'), 'protocols'),
      dnat(family, map(slotted(family, modulus), 'endpoints'), { withPort: true }),
    ]);
  const pick = backends === 1 ? [to(1)] : [to(backends), to(1)];
  return chain(pickName(backends), [rule([assign(meta('priority'), value('none'))]), ...pick]);
}

/** What the table holds besides what changes of the cluster put into it. */
export function rulesetTable(rules: Ruleset, ranges: readonly Cidr[], picks: readonly number[]): Table {
  const { family, sets } = rules;
  const listed: readonly SetContent[] = [
    { declaration: sets.services },
    { declaration: sets.pick, elements: picks.map(pickElement) },
    { declaration: sets.endpoints },
    { declaration: sets.addresses },
    { declaration: sets.ranges, elements: ranges.filter((cidr) => isOf(cidr, family)).map(rangeElement) },
    { declaration: sets.hairpin },
    {
      declaration: sets.protocols,
      elements: ['tcp', 'udp', 'sctp'].map((name) => protocolElement(sets.protocols, name)),
    },
  ];
  const chains = [...picks.map((backends) => pickChain(family, backends)), ...fixedChains(family)];
  return { kind: 'table', family, name: TABLE_NAME, sets: listed, chains, comment: 'Services' };
}

function fixedChains(family: Family): Chain[] {
  const { source, destination, frontend } = fields(family);
  const priority = meta('priority');
  const state = ct('state');
  const dispatch = [rule([assign(priority, map(frontend, 'services')), vmap(priority, 'pick')])];
  const refuse = [
    rule([matchFlags(state, 'invalid'), verdict(drop)], 'a reset would end the connection it strayed from'),
    rule([matchValue(meta('l4proto'), 'tcp'), reject('tcp reset')]),
    rule([reject('port-unreachable')]),
  ];
  const untranslated = [
    rule([matchFlags(state, 'established,related'), verdict(accept)]),
    rule([matchSet(destination, 'addresses'), verdict(goTo('refuse'))], 'no backends, or no such port'),
    rule([matchSet(destination, 'ranges'), verdict(drop)], 'nobody has the address'),
  ];
  const hairpin = [
    rule([matchFlags(ct('status'), 'dnat'), matchSet(concat(source, destination), 'hairpin'), masquerade()]),
  ];
  const go = (to: string): Chain['rules'] => [rule([verdict(goTo(to))])];
  return [
    chain('dispatch', dispatch),
    chain('refuse', refuse),
    chain('untranslated', untranslated),
    chain('nat-prerouting', go('dispatch'), { hook: { type: 'nat', hook: 'prerouting', priority: -100 } }),
    chain('nat-output', go('dispatch'), { hook: { type: 'nat', hook: 'output', priority: -100 } }),
    chain('nat-postrouting', hairpin, { hook: { type: 'nat', hook: 'postrouting', priority: 100 } }),
    chain('filter-forward', go('untranslated'), { hook: { type: 'filter', hook: 'forward', priority: 0 } }),
    chain('filter-output', go('untranslated'), { hook: { type: 'filter', hook: 'output', priority: 0 } }),
  ];
}

function isOf(cidr: Cidr, family: Family): boolean {
  return (cidr.family === 4) === (family === 'ip');
}

function rangeElement(cidr: Cidr): Element {
  const key = ipBytes(cidrAddress(cidr, 0));
  const end = cidr.base + cidrSize(cidr);
  const isLast = end === 1n << BigInt(cidr.family === 4 ? 32 : 128);
  return isLast ? { key } : { key, end: ipBytes({ family: cidr.family, value: end }) };
}

function protocolElement(protocols: SetDeclaration, name: string): Element {
  return { key: encodeKey(layoutOf(protocols.key), [name]) };
}
