/**
 * A sorted set of strings in blocks of bounded size, so that an insert moves at most one block and not the whole list.
 * Order is that of UTF-16 code units, which for ASCII is the order of the bytes.
 */
export class SortedKeys {
  static readonly #BLOCK = 512;
  readonly #blocks: string[][] = [];

  /** False when the key was there already. */
  add(key: string): boolean {
    const index = this.#blockOf(key);
    const block = this.#blocks[index];
    if (block === undefined) {
      // Behind all blocks: keys often come in order, so fill the last block before starting another.
      const last = this.#blocks.at(-1);
      if (last === undefined || last.length >= SortedKeys.#BLOCK) this.#blocks.push([key]);
      else last.push(key);
      return true;
    }
    const at = lowerBound(block, key);
    if (block[at] === key) return false;
    block.splice(at, 0, key);
    if (block.length > SortedKeys.#BLOCK) this.#blocks.splice(index + 1, 0, block.splice(block.length >> 1));
    return true;
  }

  delete(key: string): boolean {
    const index = this.#blockOf(key);
    const block = this.#blocks[index];
    if (block === undefined) return false;
    const at = lowerBound(block, key);
    if (block[at] !== key) return false;
    block.splice(at, 1);
    if (block.length === 0) this.#blocks.splice(index, 1);
    return true;
  }

  /** The keys >= `start`, in order. The set must not change meanwhile. */
  *from(start: string): Generator<string, void, undefined> {
    let index = this.#blockOf(start);
    let at = lowerBound(this.#blocks[index] ?? [], start);
    for (; index < this.#blocks.length; index++, at = 0) {
      const block = this.#blocks[index] ?? [];
      for (; at < block.length; at++) yield block[at] ?? '';
    }
  }

  /** The first block whose last key is >= `key`; their number when there is none. */
  #blockOf(key: string): number {
    let low = 0;
    let high = this.#blocks.length;
    while (low < high) {
      const middle = (low + high) >> 1;
      if ((this.#blocks[middle]?.at(-1) ?? '') < key) low = middle + 1;
      else high = middle;
    }
    return low;
  }
}

/** The first index whose key is >= `key`. */
function lowerBound(keys: readonly string[], key: string): number {
  let low = 0;
  let high = keys.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if ((keys[middle] ?? '') < key) low = middle + 1;
    else high = middle;
  }
  return low;
}
