export interface PullListener {
  readonly signal: AbortSignal;
  readonly onProgress?: ((doneBytes: number, totalBytes: number) => void) | undefined;
}

/** One pull for all who want the same. It ends early when the last of them has lost interest, and not before. */
export class SharedPull<T> {
  readonly #abort = new AbortController();
  readonly #result: Promise<T>;
  readonly #waiting = new Set<PullListener>();

  constructor(work: (listener: PullListener) => Promise<T>) {
    this.#result = work({
      signal: this.#abort.signal,
      onProgress: (done, total) => {
        for (const { onProgress } of this.#waiting) onProgress?.(done, total);
      },
    });
    // What was begun for it and is still under way is of no use when the rest of it has failed.
    this.#result.catch((error: unknown) => this.#abort.abort(error));
  }

  /** Nobody can have it any more. */
  get abandoned(): boolean {
    return this.#abort.signal.aborted;
  }

  async join(listener: PullListener): Promise<T> {
    const { signal } = listener;
    signal.throwIfAborted();
    const { promise: given, reject } = Promise.withResolvers<never>();
    const giveUp = (): void => reject(signal.reason);
    signal.addEventListener('abort', giveUp);
    this.#waiting.add(listener);
    try {
      return await Promise.race([this.#result, given]);
    } finally {
      signal.removeEventListener('abort', giveUp);
      this.#waiting.delete(listener);
      if (this.#waiting.size === 0) this.#abort.abort(new Error('nobody waits for the image any more'));
    }
  }
}
