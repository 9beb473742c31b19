import type { Template } from './template.ts';

/** Objects and the key of one template beside its message and the places in it, roughly. */
const ENTRY_BYTES = 350;

/**
 * Compiled answers by name and type. One that its Service has outlived is not found. Bounded in bytes, as an answer may have
 * 64 KiB; the least used go in halves: what was not asked for while the younger half filled up is dropped with the older one.
 */
export class TemplateCache {
  readonly #half: number;
  #young = new Map<string, Template>();
  #old = new Map<string, Template>();
  #youngBytes = 0;

  constructor(maxBytes: number = 4 << 20) {
    this.#half = maxBytes / 2;
  }

  get size(): number {
    return this.#young.size + this.#old.size;
  }

  get(key: string): Template | undefined {
    let template = this.#young.get(key);
    if (template === undefined) {
      template = this.#old.get(key);
      if (template === undefined) return undefined;
      this.#old.delete(key);
      this.set(key, template);
    }
    return template.owner?.version === template.version ? template : undefined;
  }

  set(key: string, template: Template): void {
    this.#young.set(key, template);
    this.#youngBytes += template.body.length + 8 * template.ends.length + ENTRY_BYTES;
    if (this.#youngBytes <= this.#half) return;
    this.#old = this.#young;
    this.#young = new Map();
    this.#youngBytes = 0;
  }
}
