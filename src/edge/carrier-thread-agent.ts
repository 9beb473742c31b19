import { closeSync } from 'node:fs';
import type { Worker } from 'node:worker_threads';
import type { Clock } from '#base/clock.ts';
import { errorMessage } from '#base/errors.ts';
import type { Log } from '#base/log.ts';
import type { FromCarrier, ToCarrier } from './carrier-message.ts';

export interface CarrierThreadOptions {
  readonly start: () => Worker;
  readonly onFailed: (message: Extract<FromCarrier, { kind: 'failed' }>) => void;
  /** It has ended, and its sockets with it: some time later, so that another may do better. */
  readonly onLost: () => void;
  readonly clock: Clock;
  readonly log: Log;
}

const RESTART_MS = 1000;
const RESTART_MAX_MS = 60_000;

/** The thread that carries, from the first message on. What it cannot be told because it does not start is closed again. */
export class CarrierThread {
  readonly #options: CarrierThreadOptions;
  #worker: Worker | undefined;
  /** Until it is ready, descriptors are ours. */
  #waiting: ToCarrier[] | undefined;
  #failures = 0;
  #isResting = false;

  constructor(options: CarrierThreadOptions) {
    this.#options = options;
  }

  post(message: ToCarrier): void {
    // After the rest, everything is asked for anew.
    if (this.#isResting) {
      release(message);
      return;
    }
    this.#worker ??= this.#start();
    if (this.#waiting === undefined) this.#worker.postMessage(message);
    else this.#waiting.push(message);
  }

  #start(): Worker {
    const worker = this.#options.start();
    this.#waiting = [];
    worker.on('message', (message: FromCarrier) => {
      if (message.kind === 'failed') this.#options.onFailed(message);
      else this.#begin(worker);
    });
    worker.once('error', (error) => this.#lost(error));
    return worker;
  }

  #begin(worker: Worker): void {
    for (const message of this.#waiting ?? []) worker.postMessage(message);
    this.#waiting = undefined;
    this.#failures = 0;
  }

  #lost(error: unknown): void {
    const { clock, log, onLost } = this.#options;
    log.error('the thread that carries was lost, starting another', { error: errorMessage(error) });
    for (const message of this.#waiting ?? []) release(message);
    this.#worker = undefined;
    this.#waiting = undefined;
    this.#isResting = true;
    // Not at once: what it died of may be there still.
    clock.after(Math.min(RESTART_MS * 2 ** this.#failures++, RESTART_MAX_MS), () => {
      this.#isResting = false;
      onLost();
    });
  }
}

function release(message: ToCarrier): void {
  if (message.kind === 'open') closeSync(message.fd);
}
