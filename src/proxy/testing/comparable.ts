import { parseSavedTable } from '../iptables/saved-table.ts';

/** Chains in which Services stand in any order. */
const SHARED = /^KUBE-(SERVICES|EXTERNAL-SERVICES|NODEPORTS|PROXY-FIREWALL)$/;

/**
 * What iptables-save printed of a table, without what differs from one run of the same proxy to the next: numbers of packets,
 * dates, and the order of chains and of Services.
 */
export function comparable(table: string, saved: string): string {
  const chains = [...parseSavedTable(saved)].filter(([chain, rules]) => chain.startsWith('KUBE-') || rules.length > 0);
  chains.sort(([a], [b]) => (a < b ? -1 : 1));
  const lines = chains.flatMap(([chain, rules]) => [
    `:${chain}`,
    ...(SHARED.test(chain) ? inOrder(rules) : rules).map((rule) => `  ${rule}`),
  ]);
  return [`*${table}`, ...lines, ''].join('\n');
}

/** The rules for all NodePorts stay the last. */
function inOrder(rules: readonly string[]): readonly string[] {
  const isLast = (rule: string): boolean => rule.includes('this must be the last rule');
  return [...rules.filter((rule) => !isLast(rule)).toSorted(), ...rules.filter(isLast)];
}

/** The same where the kernel has no nfacct: nothing is counted, and a rule less for each NodePort at 127.0.0.1. */
export function withoutCounters(text: string): string {
  const lines = text.split('\n').filter((line) => !/^ +-d 127\.0\.0\.0\/8 .* -m nfacct/.test(line));
  return lines.map((line) => line.replace(/-m nfacct --nfacct-name \S+ /, '')).join('\n');
}
