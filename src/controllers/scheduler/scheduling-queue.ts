/** Keys that wait for a decision: those of a higher priority first, among equals the one that came first. */
export class SchedulingQueue {
  readonly #buckets = new Map<number, Set<string>>();
  readonly #priorities = new Map<string, number>();

  get size(): number {
    return this.#priorities.size;
  }

  add(key: string, priority: number): void {
    const known = this.#priorities.get(key);
    if (known === priority) return;
    if (known !== undefined) this.delete(key);
    this.#priorities.set(key, priority);
    const bucket = this.#buckets.get(priority);
    if (bucket === undefined) this.#buckets.set(priority, new Set([key]));
    else bucket.add(key);
  }

  delete(key: string): void {
    const priority = this.#priorities.get(key);
    if (priority === undefined) return;
    this.#priorities.delete(key);
    const bucket = this.#buckets.get(priority);
    bucket?.delete(key);
    if (bucket?.size === 0) this.#buckets.delete(priority);
  }

  take(): string | undefined {
    if (this.#priorities.size === 0) return undefined;
    const first = this.#buckets
      .get(Math.max(...this.#buckets.keys()))
      ?.keys()
      .next().value;
    if (first !== undefined) this.delete(first);
    return first;
  }
}
