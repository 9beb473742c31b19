/**
 * A one-reader queue from callbacks to `for await`. The writer never waits; `limit` bounds what a slow reader may leave
 * lying, beyond which the channel fails, so that memory does not grow without end.
 */
export class Channel<T> implements AsyncIterable<T> {
  readonly #limit: number;
  #items: T[] = [];
  #wake: (() => void) | undefined;
  #closed = false;
  #error: Error | undefined;
  /** Called once when the reader leaves its loop. */
  onReturn: (() => void) | undefined;

  constructor(limit: number = Number.POSITIVE_INFINITY) {
    this.#limit = limit;
  }

  /** False when the channel no longer takes items. */
  push(item: T): boolean {
    if (this.#closed) return false;
    if (this.#items.length >= this.#limit) {
      this.fail(new RangeError(`Cannot queue more than ${this.#limit} items: the reader is too slow`));
      return false;
    }
    this.#items.push(item);
    this.#wake?.();
    return true;
  }

  /** Ends the loop after the items already queued. */
  close(): void {
    this.#closed = true;
    this.#wake?.();
  }

  /** Ends the loop with an error after the items already queued. */
  fail(error: Error): void {
    if (this.#closed) return;
    this.#error = error;
    this.close();
  }

  get closed(): boolean {
    return this.#closed;
  }

  async *[Symbol.asyncIterator](): AsyncIterator<T> {
    try {
      for (;;) {
        const batch = this.#items;
        this.#items = [];
        yield* batch;
        if (this.#items.length > 0) continue;
        if (this.#closed) break;
        await new Promise<void>((resolve) => {
          this.#wake = resolve;
        });
        this.#wake = undefined;
      }
      if (this.#error !== undefined) throw this.#error;
    } finally {
      this.#closed = true;
      this.onReturn?.();
    }
  }
}
