import { formatAddress } from '#nftables/address.ts';
import { type Transaction } from '#nftables/transaction.ts';
import { frontendId, parseFrontendId, type Backend, type FrontendId, type Protocol } from './frontend.ts';
import { type AdoptedState } from './plan.ts';
import { backendsOf, type Ruleset } from './ruleset.ts';
import { protocolNumbers, StepWriter } from './step-writer.ts';

/** Lends each element of a set to `visit`, which returns false for what it saw before. */
export type VisitElements = (set: string, visit: (key: Uint8Array, data: Uint8Array) => boolean) => void;

export interface Adoption {
  readonly state: AdoptedState;
  /** Deletes what does not fit together. Only somebody else's hands in our table leave such things. */
  readonly repair: Transaction;
}

/** Reads back what a plan of an earlier process, or of this one, left in the kernel. */
export function readAdoption(rules: Ruleset, picks: readonly number[], visit: VisitElements): Adoption {
  const { sets, addressLength } = rules;
  const slots = readSlots(rules, visit);
  const counts = new Map<FrontendId, number>();
  visit(sets.services.name, (key, data) => {
    const id = readFrontend(rules, key);
    if (id === undefined) return true;
    const isNew = !counts.has(id);
    counts.set(id, backendsOf(data));
    return isNew;
  });
  const addresses = readAddresses(sets.addresses.name, addressLength, visit);
  const hairpin = readAddresses(sets.hairpin.name, addressLength, visit);
  const repair = repairWriter(rules, slots, counts);
  return { state: { frontends: slots, picks, addresses, hairpin }, repair: repair.finish() };
}

/** Takes frontends out of `slots` that have a gap, or another number of slots than their count says. */
function repairWriter(
  rules: Ruleset,
  slots: Map<FrontendId, Backend[]>,
  counts: ReadonlyMap<FrontendId, number>,
): StepWriter {
  const writer = new StepWriter(rules);
  for (const id of new Set([...slots.keys(), ...counts.keys()])) {
    const list = slots.get(id) ?? [];
    const count = counts.get(id) ?? 0;
    // `includes` sees the gaps of a sparse array, `every` does not.
    if (list.length === count && !(list as (Backend | undefined)[]).includes(undefined)) continue;
    const frontend = parseFrontendId(id);
    writer.changeCount(frontend, count, 0);
    list.forEach((before, slot) => writer.changeSlot(frontend, { slot, before, after: undefined }));
    slots.delete(id);
  }
  return writer;
}

function readSlots(rules: Ruleset, visit: VisitElements): Map<FrontendId, Backend[]> {
  const { frontendLength, addressLength } = rules;
  const slots = new Map<FrontendId, Backend[]>();
  visit(rules.sets.endpoints.name, (key, data) => {
    const id = readFrontend(rules, key);
    if (id === undefined) return true;
    const slot = (key[frontendLength] ?? 0) | ((key[frontendLength + 1] ?? 0) << 8);
    const list = slots.get(id) ?? [];
    const isNew = list[slot] === undefined;
    const address = formatAddress(data.subarray(0, addressLength));
    list[slot] = { address, port: readPort(data, addressLength), isLocal: false };
    slots.set(id, list);
    return isNew;
  });
  return slots;
}

/** The first address of each key. */
function readAddresses(set: string, addressLength: number, visit: VisitElements): string[] {
  const addresses = new Set<string>();
  visit(set, (key) => {
    const { size } = addresses;
    return addresses.add(formatAddress(key.subarray(0, addressLength))).size > size;
  });
  return [...addresses];
}

const protocolNames = new Map(Object.entries(protocolNumbers).map(([name, number]) => [number, name as Protocol]));

function readFrontend(rules: Ruleset, key: Uint8Array): FrontendId | undefined {
  const { addressLength } = rules;
  const protocol = protocolNames.get(key[addressLength] ?? 0);
  if (protocol === undefined) return undefined;
  return frontendId(formatAddress(key.subarray(0, addressLength)), protocol, readPort(key, addressLength + 4));
}

function readPort(bytes: Uint8Array, at: number): number {
  return ((bytes[at] ?? 0) << 8) | (bytes[at + 1] ?? 0);
}
