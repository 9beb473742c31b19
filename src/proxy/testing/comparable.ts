import { parseSavedTable } from '../iptables/saved-table.ts';

/** Chains in which Services stand in any order. */
const SHARED = /^KUBE-(SERVICES|EXTERNAL-SERVICES|NODEPORTS|PROXY-FIREWALL)$/;

/**
 * What iptables-save printed of a table, without what differs from one run of the same proxy to the next: counters, dates,
 * and the order of chains and of Services.
 */
export function comparable(table: string, saved: string): string {
  const chains = [...parseSavedTable(saved)].filter(([chain, rules]) => chain.startsWith('KUBE-') || rules.length > 0);
  chains.sort(([a], [b]) => (a < b ? -1 : 1));
  const lines = chains.flatMap(([chain, rules]) => [
    `:${chain}`,
    ...(SHARED.test(chain) ? inOrder(rules.flatMap(withoutCounter)) : rules.flatMap(withoutCounter)).map(
      (rule) => `  ${rule}`,
    ),
  ]);
  return [`*${table}`, ...lines, ''].join('\n');
}

/** The rules for all NodePorts stay the last. */
function inOrder(rules: readonly string[]): readonly string[] {
  const isLast = (rule: string): boolean => rule.includes('this must be the last rule');
  return [...rules.filter((rule) => !isLast(rule)).toSorted(), ...rules.filter(isLast)];
}

/** kube-proxy counts some packets by nfacct where the kernel has that, with a rule more for NodePorts at 127.0.0.1. */
function withoutCounter(rule: string): readonly string[] {
  if (!rule.includes('-m nfacct')) return [rule];
  if (rule.startsWith('-d 127.0.0.0/8')) return [];
  return [rule.replace(/-m nfacct --nfacct-name +\S+ /, '')];
}
