/**
 * Addresses that are in a set as long as anybody counts on them, and what has to change in the set for that. It knows
 * what the kernel has, so that adding what is there already costs nothing.
 */
export class Presence {
  /** How many count on it, and whether the kernel has it: twice the one, and one more for the other. */
  readonly #states = new Map<string, number>();
  /** Where the two may differ: after a restart nowhere, as a rule. */
  readonly #touched = new Set<string>();

  get programmed(): Iterable<string> {
    return this.#states
      .entries()
      .filter(([, state]) => isProgrammed(state))
      .map(([address]) => address);
  }

  /** The kernel has it; nobody counts on anything yet. Returns false for what it was told before. */
  adopt(address: string): boolean {
    const { size } = this.#states;
    return this.#states.set(address, PROGRAMMED).size > size;
  }

  add(address: string): void {
    const state = this.#states.get(address) ?? 0;
    this.#states.set(address, state + ONE);
    if (!isProgrammed(state)) this.#touched.add(address);
  }

  remove(address: string): void {
    const state = this.#states.get(address) ?? 0;
    if (state < ONE) return;
    this.#put(address, state - ONE);
    if (state - ONE < ONE) this.#touched.add(address);
  }

  /** What the kernel has and nobody counts on goes at the next `settle`. */
  touchUnclaimed(): void {
    for (const [address, state] of this.#states) if (state === PROGRAMMED) this.#touched.add(address);
  }

  /** Says what has to be added to the set or deleted from it, and takes that as done. */
  settle(change: (address: string, isAdded: boolean) => void): void {
    for (const address of this.#touched) {
      const state = this.#states.get(address) ?? 0;
      const isWanted = state >= ONE;
      if (isWanted === isProgrammed(state)) continue;
      this.#put(address, isWanted ? state | PROGRAMMED : 0);
      change(address, isWanted);
    }
    this.#touched.clear();
  }

  #put(address: string, state: number): void {
    if (state === 0) this.#states.delete(address);
    else this.#states.set(address, state);
  }
}

const PROGRAMMED = 1;
const ONE = 2;

function isProgrammed(state: number): boolean {
  return (state & PROGRAMMED) !== 0;
}
