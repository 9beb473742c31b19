import { errorMessage } from '#base/errors.ts';
import { type Log } from '#base/log.ts';

/** Objects with much wrong in them have a line in the log all the same. */
const MAX_FAULTS = 5;

/** Says what is wrong with an object when it begins to be wrong, and when it is wrong in another way. */
export class FaultLog {
  readonly #log: Log;
  readonly #said = new Map<string, string>();

  constructor(log: Log) {
    this.#log = log;
  }

  /** Returns whether the object can be used at all: it cannot where its faults cannot even be listed. */
  check(kind: 'Service' | 'EndpointSlice', key: string, find: () => readonly string[]): boolean {
    const faults: readonly string[] | Error = attempt(find);
    if (!(faults instanceof Error) && faults.length === 0) {
      this.forget(kind, key);
      return true;
    }
    const id = `${kind} ${key}`;
    const text = faults instanceof Error ? errorMessage(faults) : listed(faults);
    if (this.#said.get(id) !== text) {
      this.#said.set(id, text);
      const message =
        faults instanceof Error ? 'object cannot be read, and is left out' : 'object cannot be used whole';
      this.#log.warn(message, { kind, name: key, because: text });
    }
    return !(faults instanceof Error);
  }

  forget(kind: 'Service' | 'EndpointSlice', key: string): void {
    if (this.#said.size > 0) this.#said.delete(`${kind} ${key}`);
  }
}

function attempt(find: () => readonly string[]): readonly string[] | Error {
  try {
    return find();
  } catch (error) {
    return error instanceof Error ? error : new Error(String(error));
  }
}

function listed(faults: readonly string[]): string {
  const more = faults.length - MAX_FAULTS;
  return [...faults.slice(0, MAX_FAULTS), ...(more > 0 ? [`and ${more} more`] : [])].join(', ');
}
