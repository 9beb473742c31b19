import type { Endpoint, Service } from '#api/generated/types.ts';
import { endpointKey } from './endpoint-slice-packing.ts';

/** How much more than its part a zone's endpoints may have to serve. */
const OVERLOAD = 0.2;

export interface HintNote {
  readonly type: 'Normal' | 'Warning';
  readonly reason: 'TopologyAwareHintsEnabled' | 'TopologyAwareHintsDisabled';
  readonly message: string;
}

export interface TopologyHints {
  /** The zone for which each ready endpoint is, by `endpointKey`; none: there are no hints. */
  readonly zones: ReadonlyMap<string, string>;
  readonly note: HintNote;
}

/** `service.kubernetes.io/topology-mode: Auto`, or what that was called before. */
export function wantsTopologyHints({ metadata }: Service): boolean {
  const { annotations = {} } = metadata;
  const mode =
    annotations['service.kubernetes.io/topology-aware-hints'] ?? annotations['service.kubernetes.io/topology-mode'];
  return mode === 'Auto' || mode === 'auto';
}

/**
 * Shares the ready endpoints out to the zones as their processors are (KEP-2433): each to its own, but for as many as a zone
 * has too many of and another lacks. The bounds and the roundings are those of endpointslice/topologycache of v1.34, where
 * slices that need no other write keep their hints; here endpoints do, by `before`, as long as no zone would be overloaded.
 */
export function shareOut(
  endpoints: readonly Endpoint[],
  before: ReadonlyMap<string, string>,
  capacity: ReadonlyMap<string, number> | undefined,
): TopologyHints {
  const ready = endpoints.filter(({ conditions }) => conditions?.ready === true);
  const bounds = boundsOf(ready.length, capacity);
  if (typeof bounds === 'string') return disabled(bounds);
  if (ready.some(({ zone = '' }) => zone === '')) {
    return disabled('One or more endpoints do not have a zone specified');
  }
  const kept = assign(ready, before, bounds);
  const zones = isWithin(kept, bounds) ? kept : assign(ready, new Map(), bounds);
  if (zones.size === 0) return disabled('No hints allocated for zones');
  const message = 'Topology Aware Hints has been enabled';
  return { zones, note: { type: 'Normal', reason: 'TopologyAwareHintsEnabled', message } };
}

function disabled(message: string): TopologyHints {
  return { zones: new Map(), note: { type: 'Warning', reason: 'TopologyAwareHintsDisabled', message } };
}

interface Bounds {
  readonly minimum: number;
  readonly maximum: number;
  readonly desired: number;
}

/** How many endpoints each zone should have, or why that cannot be had. */
function boundsOf(
  count: number,
  capacity: ReadonlyMap<string, number> | undefined,
): ReadonlyMap<string, Bounds> | string {
  if (capacity === undefined) {
    return 'Insufficient Node information: allocatable CPU or zone not specified on one or more nodes';
  }
  const numbers = `(${count} endpoints, ${capacity.size} zones)`;
  if (capacity.size > count) return `Insufficient number of endpoints ${numbers}`;
  const minima = [...capacity].map(([zone, part]) => {
    const desired = part * count;
    const minimum = Math.ceil(desired * (1 / (1 + OVERLOAD)));
    return { zone, minimum, desired: Math.max(desired, minimum) };
  });
  const total = minima.reduce((sum, { minimum }) => sum + minimum, 0);
  if (total > count) {
    return `Unable to allocate minimum required endpoints to each zone without exceeding overload threshold ${numbers}`;
  }
  return new Map(
    minima.map(({ zone, minimum, desired }) => [zone, { minimum, desired, maximum: minimum + count - total }]),
  );
}

function assign(
  ready: readonly Endpoint[],
  before: ReadonlyMap<string, string>,
  bounds: ReadonlyMap<string, Bounds>,
): Map<string, string> {
  const zones = new Map<string, string>();
  const counts = new Map<string, number>();
  const fresh: Endpoint[] = [];
  const give = (endpoint: Endpoint, zone: string): void => {
    zones.set(endpointKey(endpoint), zone);
    counts.set(zone, (counts.get(zone) ?? 0) + 1);
  };
  for (const endpoint of ready) {
    const zone = before.get(endpointKey(endpoint));
    const bound = zone === undefined ? undefined : bounds.get(zone);
    if (zone === undefined || bound === undefined || (counts.get(zone) ?? 0) >= bound.maximum) fresh.push(endpoint);
    else give(endpoint, zone);
  }
  for (const endpoint of fresh) give(endpoint, endpoint.zone ?? '');
  const moves = movesOf(bounds, counts);
  for (const endpoint of fresh) {
    const to = moves.get(endpoint.zone ?? '')?.shift();
    if (to !== undefined) zones.set(endpointKey(endpoint), to);
  }
  return zones;
}

/** By each zone that has too many, where those should go. Zones without a node have no bounds, and keep theirs. */
function movesOf(bounds: ReadonlyMap<string, Bounds>, counts: ReadonlyMap<string, number>): Moves {
  const surplus = new Map<string, number>();
  const lack = new Map<string, number>();
  for (const [zone, { desired }] of bounds) {
    const difference = (counts.get(zone) ?? 0) - desired;
    if (difference > 0) surplus.set(zone, difference);
    else if (difference < 0) lack.set(zone, -difference);
  }
  const moves: Moves = new Map();
  for (;;) {
    const [from, surplusOf] = most(surplus);
    const [to, lackOf] = most(lack);
    if ((surplusOf < 1 && lackOf < 1) || surplusOf < 0.5 || lackOf < 0.5) break;
    moves.set(from, [...(moves.get(from) ?? []), to]);
    surplus.set(from, surplusOf - 1);
    lack.set(to, lackOf - 1);
  }
  ensureMinima(bounds, counts, moves);
  return moves;
}

type Moves = Map<string, string[]>;

/** Parts of endpoints that nobody gave may leave a zone overloaded, where upstream leaves it at that. */
function ensureMinima(bounds: ReadonlyMap<string, Bounds>, counts: ReadonlyMap<string, number>, moves: Moves): void {
  const spare = new Map<string, number>();
  for (const [zone, { minimum }] of bounds) {
    const gained = [...moves.values()].flat().filter((to) => to === zone).length;
    spare.set(zone, (counts.get(zone) ?? 0) + gained - (moves.get(zone)?.length ?? 0) - minimum);
  }
  for (const [zone, missing] of spare) {
    for (let left = -missing; left > 0; left--) {
      const [from, extra] = most(spare);
      if (extra < 1) return;
      moves.set(from, [...(moves.get(from) ?? []), zone]);
      spare.set(from, extra - 1);
    }
  }
}

function most(zones: ReadonlyMap<string, number>): readonly [zone: string, number] {
  let best: readonly [string, number] = ['', 0];
  for (const entry of zones) if (entry[1] > best[1]) best = entry;
  return best;
}

function isWithin(zones: ReadonlyMap<string, string>, bounds: ReadonlyMap<string, Bounds>): boolean {
  const counts = new Map<string, number>();
  for (const zone of zones.values()) counts.set(zone, (counts.get(zone) ?? 0) + 1);
  return [...bounds].every(([zone, { minimum, maximum }]) => {
    const count = counts.get(zone) ?? 0;
    return count >= minimum && count <= maximum;
  });
}

const hinted = new WeakMap<Endpoint, Map<string, Endpoint>>();

/** The endpoint with a hint for a zone, or without; equal calls give the same object, which makes them cheap to compare. */
export function withHint(endpoint: Endpoint, zone: string | undefined): Endpoint {
  const known = hinted.get(endpoint) ?? new Map<string, Endpoint>();
  hinted.set(endpoint, known);
  let result = known.get(zone ?? '');
  if (result === undefined) {
    const { hints: _, ...rest } = endpoint;
    result = zone === undefined ? rest : { ...rest, hints: { forZones: [{ name: zone }] } };
    known.set(zone ?? '', result);
  }
  return result;
}
