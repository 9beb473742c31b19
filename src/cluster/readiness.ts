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

  /** The part is ready when the promise resolves. */
  async follow(name: string, ready: Promise<unknown>): Promise<void> {
    await ready;
    this.#missing.delete(name);
  }
}
