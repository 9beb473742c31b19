import process from 'node:process';

export interface Interrupted {
  readonly kind: 'interrupted';
}

/** SIGINT and SIGTERM as a promise, for as long as the object is in scope. */
export class SignalWatch implements Disposable {
  readonly received: Promise<Interrupted>;
  readonly #stop = new AbortController();
  readonly #listener: () => void;

  constructor() {
    let resolve: (outcome: Interrupted) => void = () => {};
    this.received = new Promise((done) => {
      resolve = done;
    });
    this.#listener = () => resolve({ kind: 'interrupted' });
    process.on('SIGINT', this.#listener);
    process.on('SIGTERM', this.#listener);
  }

  get ended(): AbortSignal {
    return this.#stop.signal;
  }

  [Symbol.dispose](): void {
    process.off('SIGINT', this.#listener);
    process.off('SIGTERM', this.#listener);
    this.#stop.abort();
  }
}
