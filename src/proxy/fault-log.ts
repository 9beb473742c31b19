import { errorMessage } from '#base/errors.ts';
import type { Log } from '#base/log.ts';

/** Objects with much wrong in them have a line in the log all the same. */
const MAX_FAULTS = 5;

/** What is of use of an object; undefined for nothing. */
export interface Reading<T> {
  readonly value: T | undefined;
  /** What is not of use, in words. */
  readonly faults: readonly string[];
}

/** Says what is wrong with an object when it begins to be wrong, and when it is wrong in another way. */
export class FaultLog {
  readonly #log: Log;
  readonly #said = new Map<string, string>();

  constructor(log: Log) {
    this.#log = log;
  }

  /** Returns what is of use; nothing is where reading it fails. */
  take<T>(kind: 'Service' | 'EndpointSlice', key: string, read: () => Reading<T>): T | undefined {
    try {
      const { value, faults } = read();
      if (faults.length === 0) this.forget(kind, key);
      else this.#say(kind, key, 'object cannot be used whole', listed(faults));
      return value;
    } catch (error) {
      this.#say(kind, key, 'object cannot be read, and is left out', errorMessage(error));
      return undefined;
    }
  }

  #say(kind: 'Service' | 'EndpointSlice', key: string, message: string, because: string): void {
    const id = `${kind} ${key}`;
    if (this.#said.get(id) === because) return;
    this.#said.set(id, because);
    this.#log.warn(message, { kind, name: key, because });
  }

  forget(kind: 'Service' | 'EndpointSlice', key: string): void {
    if (this.#said.size > 0) this.#said.delete(`${kind} ${key}`);
  }
}

function listed(faults: readonly string[]): string {
  const more = faults.length - MAX_FAULTS;
  return [...faults.slice(0, MAX_FAULTS), ...(more > 0 ? [`and ${more} more`] : [])].join(', ');
}
