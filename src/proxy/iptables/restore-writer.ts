import type { CountedTable } from '../sync-observer.ts';
import type { TableName } from './base-rules.ts';

interface TableChanges {
  /** Whole chains; an empty list empties the chain. */
  readonly chains: Map<string, readonly string[]>;
  readonly removed: Set<string>;
  readonly inserted: string[];
  readonly deleted: string[];
}

/**
 * The input of `iptables-restore --noflush` for some changes. A table is changed at once, but the tables one after the other:
 * what refuses packets comes before the rules that no longer translate them, and goes after those that do.
 */
export class RestoreWriter {
  readonly #tables = new Map<TableName, TableChanges>();

  /** The chain as it is to be, whether it is there or not. */
  replaceChain(table: TableName, chain: string, rules: readonly string[]): void {
    this.#of(table).chains.set(chain, rules);
  }

  /** Nothing may lead to the chain once this is applied. */
  removeChain(table: TableName, chain: string): void {
    const { chains, removed } = this.#of(table);
    // A chain that is deleted has to be empty, and declaring it empties it.
    chains.set(chain, []);
    removed.add(chain);
  }

  /** Before all other rules of the chain. */
  insertRule(table: TableName, chain: string, rule: string): void {
    this.#of(table).inserted.push(`-I ${chain} ${rule}`);
  }

  /** Fails where there is no such rule: then somebody else was at work. */
  deleteRule(table: TableName, chain: string, rule: string): void {
    this.#of(table).deleted.push(`-D ${chain} ${rule}`);
  }

  /** Empty where there is nothing to do. */
  finish(): string {
    const filter = this.#tables.get('filter');
    const late = filter === undefined ? [] : filter.deleted;
    return [
      ...section('filter', filter === undefined ? undefined : { ...filter, deleted: [] }),
      ...section('nat', this.#tables.get('nat')),
      ...section('mangle', this.#tables.get('mangle')),
      ...(late.length === 0 ? [] : ['*filter\n', ...late.map((line) => `${line}\n`), 'COMMIT\n']),
    ].join('');
  }

  #of(table: TableName): TableChanges {
    let changes = this.#tables.get(table);
    if (changes === undefined) {
      changes = { chains: new Map(), removed: new Set(), inserted: [], deleted: [] };
      this.#tables.set(table, changes);
    }
    return changes;
  }
}

/** How many rules of our own chains an input of iptables-restore writes. */
export function rulesWritten(input: string): Readonly<Record<CountedTable, number>> {
  const counts: Record<TableName, number> = { filter: 0, nat: 0, mangle: 0 };
  let table: TableName = 'filter';
  for (const [, next] of input.matchAll(/^(?:\*(\w+)|-[AI] KUBE-)/gm)) {
    if (next === undefined) counts[table]++;
    else table = next as TableName;
  }
  return counts;
}

function section(table: TableName, changes: TableChanges | undefined): readonly string[] {
  if (changes === undefined) return [];
  const { chains, removed, inserted, deleted } = changes;
  if (chains.size + inserted.length + deleted.length === 0) return [];
  const rules = [...chains].flatMap(([chain, own]) => own.map((rule) => `-A ${chain} ${rule}`));
  const lines = [
    `*${table}`,
    // iptables on nf_tables keeps chains in order by walking through a list, from which this spares it most.
    ...[...chains.keys()].sort().map((chain) => `:${chain} - [0:0]`),
    ...deleted,
    ...inserted,
    ...rules,
    ...[...removed].map((chain) => `-X ${chain}`),
    'COMMIT',
  ];
  return lines.map((line) => `${line}\n`);
}
