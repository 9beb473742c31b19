/**
 * Addresses that are in a set as long as anybody counts on them, and what has to change in the set for that. It knows
 * what the kernel has, so that adding what is there already costs nothing.
 */
export class Presence {
  readonly #counts = new Map<string, number>();
  readonly #programmed = new Set<string>();
  readonly #touched = new Set<string>();

  get programmed(): Iterable<string> {
    return this.#programmed;
  }

  /** The kernel has it, whether anybody counts on it or not. */
  adopt(address: string): void {
    this.#programmed.add(address);
  }

  add(address: string): void {
    this.#counts.set(address, (this.#counts.get(address) ?? 0) + 1);
    this.#touched.add(address);
  }

  remove(address: string): void {
    const count = (this.#counts.get(address) ?? 0) - 1;
    if (count > 0) this.#counts.set(address, count);
    else this.#counts.delete(address);
    this.#touched.add(address);
  }

  /** Looks at everything the kernel has at the next `settle`. */
  touchAll(): void {
    for (const address of this.#programmed) this.#touched.add(address);
  }

  /** Says what has to be added to the set or deleted from it, and takes that as done. */
  settle(change: (address: string, isAdded: boolean) => void): void {
    for (const address of this.#touched) {
      const isWanted = this.#counts.has(address);
      if (isWanted === this.#programmed.has(address)) continue;
      if (isWanted) this.#programmed.add(address);
      else this.#programmed.delete(address);
      change(address, isWanted);
    }
    this.#touched.clear();
  }
}
