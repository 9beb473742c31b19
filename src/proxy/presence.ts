import { formatAddress, writeIpv4 } from '#nftables/address.ts';
import { readWord, writeWord } from './pick.ts';

/** IPv4 as a number, which a Map finds without a look at anything else: a restart asks for each address twice. */
type AddressKey = number | string;

/**
 * Addresses that are in a set as long as anybody counts on them, and what has to change in the set for that. It knows
 * what the kernel has, so that adding what is there already costs nothing.
 */
export class Presence {
  /** How many count on it, and whether the kernel has it: twice the one, and one more for the other. */
  readonly #states = new Map<AddressKey, number>();
  /** Where the two may differ: after a restart nowhere, as a rule. */
  readonly #touched = new Set<AddressKey>();

  get programmed(): Iterable<string> {
    return this.#states
      .entries()
      .filter(([, state]) => isProgrammed(state))
      .map(([key]) => addressOf(key));
  }

  /** The kernel has it; nobody counts on anything yet. Returns false for what it was told before. */
  adopt(bytes: Uint8Array, length: number): boolean {
    const { size } = this.#states;
    const key = length === 4 ? numberOf(bytes) : formatAddress(bytes, length);
    return this.#states.set(key, PROGRAMMED).size > size;
  }

  add(address: string): void {
    const key = keyOf(address);
    const state = this.#states.get(key) ?? 0;
    this.#states.set(key, state + ONE);
    if (!isProgrammed(state)) this.#touched.add(key);
  }

  remove(address: string): void {
    const key = keyOf(address);
    const state = this.#states.get(key) ?? 0;
    if (state < ONE) return;
    this.#put(key, state - ONE);
    if (state - ONE < ONE) this.#touched.add(key);
  }

  /** What the kernel has and nobody counts on goes at the next `settle`. */
  touchUnclaimed(): void {
    for (const [key, state] of this.#states) if (state === PROGRAMMED) this.#touched.add(key);
  }

  /** Says what has to be added to the set or deleted from it, and takes that as done. */
  settle(change: (address: string, isAdded: boolean) => void): void {
    for (const key of this.#touched) {
      const state = this.#states.get(key) ?? 0;
      const isWanted = state >= ONE;
      if (isWanted === isProgrammed(state)) continue;
      this.#put(key, isWanted ? state | PROGRAMMED : 0);
      change(addressOf(key), isWanted);
    }
    this.#touched.clear();
  }

  #put(key: AddressKey, state: number): void {
    if (state === 0) this.#states.delete(key);
    else this.#states.set(key, state);
  }
}

const PROGRAMMED = 1;
const ONE = 2;

function isProgrammed(state: number): boolean {
  return (state & PROGRAMMED) !== 0;
}

const scratch = new Uint8Array(4);

function keyOf(address: string): AddressKey {
  return writeIpv4(scratch, 0, address) ? numberOf(scratch) : address;
}

function addressOf(key: AddressKey): string {
  if (typeof key === 'string') return key;
  writeWord(scratch, 0, key);
  return formatAddress(scratch);
}

/** With a sign: larger numbers would be objects of their own. */
function numberOf(bytes: Uint8Array): number {
  return readWord(bytes) | 0;
}
