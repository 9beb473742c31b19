import type { Template } from './template.ts';

/**
 * Compiled answers by name and type. One that its Service has outlived is not found. The least used go in halves: what
 * was not asked for while the younger half filled up is dropped with the older one.
 */
export class TemplateCache {
  readonly #half: number;
  #young = new Map<string, Template>();
  #old = new Map<string, Template>();

  constructor(limit: number) {
    this.#half = Math.max(1, limit >> 1);
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
    if (this.#young.size <= this.#half) return;
    this.#old = this.#young;
    this.#young = new Map();
  }
}
