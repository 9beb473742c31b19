import type { CompiledAnswer } from './compiled-answer.ts';

/** Objects and the key of one answer beside its message and the places in it, roughly. */
const ENTRY_BYTES = 350;

/**
 * Compiled answers by name and type. One that its Service has outlived is not found. Bounded in bytes, as an answer may have
 * 64 KiB; the least used go in halves: what was not asked for while the younger half filled up is dropped with the older one.
 */
export class AnswerCache {
  readonly #half: number;
  #young = new Map<string, CompiledAnswer>();
  #old = new Map<string, CompiledAnswer>();
  #youngBytes = 0;

  constructor(maxBytes: number = 4 << 20) {
    this.#half = maxBytes / 2;
  }

  get size(): number {
    return this.#young.size + this.#old.size;
  }

  get(key: string): CompiledAnswer | undefined {
    let compiled = this.#young.get(key);
    if (compiled === undefined) {
      compiled = this.#old.get(key);
      if (compiled === undefined) return undefined;
      this.#old.delete(key);
      this.set(key, compiled);
    }
    return compiled.owner?.version === compiled.version ? compiled : undefined;
  }

  set(key: string, compiled: CompiledAnswer): void {
    const before = this.#young.get(key);
    this.#young.set(key, compiled);
    this.#youngBytes += sizeOf(compiled) - (before === undefined ? 0 : sizeOf(before));
    if (this.#youngBytes <= this.#half) return;
    this.#old = this.#young;
    this.#young = new Map();
    this.#youngBytes = 0;
  }
}

function sizeOf({ body, ends }: CompiledAnswer): number {
  return body.length + 8 * ends.length + ENTRY_BYTES;
}
