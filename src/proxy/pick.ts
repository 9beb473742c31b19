import { concat, map, meta, numgen, value, type MapExpression } from '#nftables/expression.ts';
import { assign, dnat, drop, dynset, goTo, matchSet, matchValue, type Statement } from '#nftables/statement.ts';
import { chain, rule, type Chain, type Element } from '#nftables/table.ts';
import type { ListName } from './frontend.ts';
import type { Plane, PlaneName, Ruleset } from './ruleset.ts';

/**
 * The packet's priority carries the number of backends from the map of frontends to the chain that picks one: nft can
 * neither use a map's result in another key nor jump on it. The major half tells ours from priorities set by others, and
 * one kind of chain from another.
 */
const PRIORITY_MAJOR = 0x6b70;
const VARIANTS = 4;

/** Slots of the list for clients outside start here, in the same map. */
export const LOCAL_SLOTS = 0x10000;

/** A chain that picks one of so many backends, and the priority that leads to it. */
export interface Pick {
  readonly plane: PlaneName;
  readonly list: ListName;
  readonly backends: number;
  /** Seconds of session affinity; 0 without. */
  readonly timeout: number;
  readonly priority: number;
}

/** What leads to a drop: there are backends, but none that the policy allows. */
export const NO_BACKEND: number = PRIORITY_MAJOR * 0x10000;

export function priorityOf(plane: PlaneName, list: ListName, backends: number, timeoutNumber: number): number {
  const variant = (plane === 'port' ? 2 : 0) + (list === 'local' ? 1 : 0) + VARIANTS * timeoutNumber;
  return (PRIORITY_MAJOR + variant) * 0x10000 + backends;
}

/** Which of the timeouts a priority stands for. */
export function timeoutNumberOf(priority: number): number {
  return Math.floor((Math.floor(priority / 0x10000) - PRIORITY_MAJOR) / VARIANTS);
}

export function readWord(bytes: Uint8Array, at: number = 0): number {
  return (
    ((bytes[at] ?? 0) | ((bytes[at + 1] ?? 0) << 8) | ((bytes[at + 2] ?? 0) << 16) | ((bytes[at + 3] ?? 0) << 24)) >>> 0
  );
}

/** Numbers of the host are little-endian. */
export function writeWord(bytes: Uint8Array, at: number, word: number): void {
  bytes[at] = word & 0xff;
  bytes[at + 1] = (word >>> 8) & 0xff;
  bytes[at + 2] = (word >>> 16) & 0xff;
  bytes[at + 3] = word >>> 24;
}

function wordBytes(word: number): Uint8Array {
  const bytes = new Uint8Array(4);
  writeWord(bytes, 0, word);
  return bytes;
}

export function pickElement(pick: Pick): Element {
  return { key: wordBytes(pick.priority), verdict: goTo(pickName(pick)) };
}

export function dropElement(): Element {
  return { key: wordBytes(NO_BACKEND), verdict: drop };
}

const bases = {
  address: { all: 'pick', local: 'pick-local' },
  port: { all: 'pick-port', local: 'pick-port-local' },
} as const;

/** `pick-3`, `pick-local-3`, `pick-port-3-for-10800s` */
export function pickName({ plane, list, backends, timeout }: Pick): string {
  return `${bases[plane][list]}-${backends}${timeout === 0 ? '' : `-for-${timeout}s`}`;
}

/** undefined for other chains. */
export function parsePick(name: string, priority: number): Pick | undefined {
  const match = /^pick(-port)?(-local)?-([1-9]\d*)(?:-for-([1-9]\d*)s)?$/.exec(name);
  if (match === null) return undefined;
  const [, port, local, backends, timeout] = match;
  const plane = port === undefined ? 'address' : 'port';
  const list = local === undefined ? 'all' : 'local';
  const pick = { plane, list, backends: Number(backends), timeout: Number(timeout ?? 0), priority } as const;
  const number = timeoutNumberOf(priority);
  if ((number === 0) !== (pick.timeout === 0)) return undefined;
  return priorityOf(plane, list, pick.backends, number) === priority ? pick : undefined;
}

/** Picks one of `backends`, at random or as the client had it before. */
export function pickChain(rules: Ruleset, pick: Pick): Chain {
  const plane = rules.planes[pick.plane];
  const reset = [assign(meta('priority'), value('none'))];
  const rest = pick.timeout === 0 ? plainRules(rules, plane, pick) : stickyRules(rules, plane, pick);
  return chain(
    pickName(pick),
    [reset, ...rest].map((statements) => rule(statements)),
  );
}

function slotted(plane: Plane, pick: Pick, modulus: number, name: string): MapExpression {
  const offset = pick.list === 'local' ? LOCAL_SLOTS : 0;
  return map(concat(...plane.frontend.fields, numgen('random', modulus, offset)), name);
}

/**
 * The second line is for a packet that read the number before a change and looks up the slot after it: the first slot is
 * there as long as any is. Without it some connections fail at every change.
 */
function plainRules(rules: Ruleset, plane: Plane, pick: Pick): Statement[][] {
  const to = (modulus: number): Statement[] => [
    matchSet(meta('l4proto'), rules.sets.protocols.name),
    dnat(rules.family, slotted(plane, pick, modulus, plane.sets.endpoints.name), { withPort: true }),
  ];
  return pick.backends === 1 ? [to(1)] : [to(pick.backends), to(1)];
}

/**
 * The client's backend is remembered by an id that is never another's; one that is gone is forgotten. The lines after
 * the choice are for a full memory, which takes no newcomers, and for the race that `plainRules` tells of.
 */
function stickyRules(rules: Ruleset, plane: Plane, pick: Pick): Statement[][] {
  const { sets, frontend } = plane;
  const priority = meta('priority');
  const client = concat(rules.source, ...frontend.fields);
  const isProtocol = matchSet(meta('l4proto'), rules.sets.protocols.name);
  const byId = pick.list === 'local' ? sets.localById : sets.byId;
  const translate = dnat(rules.family, map(concat(...frontend.fields, priority), byId.name), { withPort: true });
  const remember = dynset('update', sets.affinity.name, client, { data: priority, timeoutSeconds: pick.timeout });
  const choose = (modulus: number): Statement => assign(priority, slotted(plane, pick, modulus, sets.slots.name));
  return [
    [assign(priority, map(client, sets.affinity.name))],
    [isProtocol, matchValue(priority, 'none', '!='), remember, translate],
    [isProtocol, dynset('delete', sets.affinity.name, client, { data: priority })],
    [isProtocol, choose(pick.backends), remember, translate],
    [isProtocol, choose(pick.backends), translate],
    ...(pick.backends === 1 ? [] : [[isProtocol, choose(1), translate]]),
  ];
}
