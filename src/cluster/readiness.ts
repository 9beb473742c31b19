/** Which parts of a cluster are ready, in the form in which `/readyz?verbose` asks. */
export class Readiness {
  readonly #missing: Set<string>;
  readonly checks: readonly { readonly name: string; readonly problem: () => string | undefined }[];

  constructor(parts: readonly string[]) {
    this.#missing = new Set(parts);
    this.checks = parts.map((name) => ({
      name,
      problem: () => (this.#missing.has(name) ? 'it has not started yet' : undefined),
    }));
  }

  /** A part is ready when its promise resolves, and this when all of them are. */
  async follow(parts: Readonly<Record<string, Promise<unknown>>>): Promise<void> {
    const waiting = Object.entries(parts).map(async ([name, ready]) => {
      await ready;
      this.#missing.delete(name);
    });
    await Promise.all(waiting);
  }
}
