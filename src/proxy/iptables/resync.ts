import { isServiceChain } from './chain-name.ts';
import { jumps, type TableName } from './base-rules.ts';
import { RestoreWriter } from './restore-writer.ts';
import type { SavedTable } from './saved-table.ts';

/** Rules by chain. */
export type ChainRules = ReadonlyMap<string, readonly string[]>;

export interface WantedTables {
  readonly chains: Readonly<Record<TableName, ChainRules>>;
  /** How many rules at the end of a chain keep their place; all before them may be in any order. Absent: every rule does. */
  readonly tails: Readonly<Record<TableName, ReadonlyMap<string, number>>>;
}

/** The input for iptables-restore that makes what is there what is wanted: chains that are right are left alone. */
export function resyncText(wanted: WantedTables, saved: Readonly<Record<TableName, SavedTable>>): string {
  const writer = new RestoreWriter();
  for (const table of ['filter', 'nat', 'mangle'] as const) {
    const there = saved[table];
    for (const [chain, rules] of wanted.chains[table]) {
      const tail = wanted.tails[table].get(chain);
      const known = there.get(chain);
      if (known === undefined || !isSame(known, rules, tail)) writer.replaceChain(table, chain, rules);
    }
    for (const chain of there.keys()) {
      if (isServiceChain(chain) && !wanted.chains[table].has(chain)) writer.removeChain(table, chain);
    }
  }
  for (const { table, from, rule } of jumps) {
    if (saved[table].get(from)?.includes(rule) !== true) writer.insertRule(table, from, rule);
  }
  return writer.finish();
}

function isSame(known: readonly string[], wanted: readonly string[], tail: number | undefined): boolean {
  if (known.length !== wanted.length) return false;
  if (tail === undefined) return known.every((rule, i) => rule === wanted[i]);
  const head = known.length - tail;
  if (!known.slice(head).every((rule, i) => rule === wanted[head + i])) return false;
  const rules = new Set(known.slice(0, head));
  return wanted.slice(0, head).every((rule) => rules.has(rule));
}
