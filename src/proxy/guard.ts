import { createHash } from 'node:crypto';
import { formatCidr } from '#base/cidr.ts';
import { drop, matchSet, verdict, jump } from '#nftables/statement.ts';
import { chain, rule, type Chain, type Element, type SetContent, type SetDeclaration } from '#nftables/table.ts';
import type { Sources } from './frontend.ts';
import { hostRanges, includesOneOf } from './node-view.ts';
import { intervalElements, type Ruleset } from './ruleset.ts';

/** A chain that lets only clients of some ranges pass, and the set of the ranges, both of this name. */
export interface Guard {
  readonly name: string;
  readonly elements: readonly Element[];
}

const PREFIX = 'sources-';

/**
 * Other ranges are another guard: `sources-default/web-1f0c2a9b`. So a guard never changes. Who lets in the node lets it in as
 * the load balancer, too: where that address is the node's own, it is what the node asks from.
 */
export function guardOf({ service, ranges, addresses }: Sources, rules: Ruleset, node: readonly string[]): Guard {
  const all = includesOneOf(ranges, node) ? [...ranges, ...hostRanges(addresses)] : ranges;
  const hash = createHash('sha256').update(all.map(formatCidr).sort().join(' ')).digest('hex').slice(0, 8);
  return { name: `${PREFIX}${service}-${hash}`, elements: intervalElements(all, rules.family) };
}

export function isGuardName(name: string): boolean {
  return name.startsWith(PREFIX);
}

export function guardSet(name: string, rules: Ruleset): SetDeclaration {
  return { kind: 'set', name, key: rules.source, flags: ['interval'] };
}

export function guardContent(guard: Guard, rules: Ruleset): SetContent {
  return { declaration: guardSet(guard.name, rules), elements: guard.elements };
}

export function guardChain(name: string, rules: Ruleset): Chain {
  return chain(name, [rule([matchSet(rules.source, name), verdict({ kind: 'return' })]), rule([verdict(drop)])]);
}

/** What `firewall` says for a frontend that is guarded. */
export function guardElement(key: Uint8Array, name: string): Element {
  return { key, verdict: jump(name) };
}
