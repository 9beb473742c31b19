import { exact } from './exact-list.ts';
import type { Protocol } from './frontend.ts';

/** With node ports each list is one of its own. */
const MAX_KNOWN = 10_000;

interface Port {
  readonly name: string;
  readonly protocol: Protocol;
  readonly port: number;
  readonly nodePort?: number;
}

/** Most Services and slices have one of a few lists of ports: those that are alike are one in memory. */
export class PortLists<T extends Port> {
  readonly #known = new Map<string, readonly T[]>();

  /** `list`, or one like it. */
  shared(list: readonly T[]): readonly T[] {
    let key = '';
    for (const { name, protocol, port, nodePort = 0 } of list) key += `${name} ${protocol} ${port} ${nodePort} `;
    const known = this.#known.get(key);
    if (known !== undefined) return known;
    const own = exact(list);
    if (this.#known.size < MAX_KNOWN) this.#known.set(key, own);
    return own;
  }
}
