/** What iptables-save printed of one table: rules without `-A CHAIN `, by chain. */
export type SavedTable = ReadonlyMap<string, readonly string[]>;

/** iptables 1.8 prints two there. */
function oneSpace(rule: string): string {
  return rule.replace('--nfacct-name  ', '--nfacct-name ');
}

export function parseSavedTable(text: string): SavedTable {
  const chains = new Map<string, string[]>();
  for (const line of text.split('\n')) {
    if (line.startsWith(':')) chains.set(line.slice(1, line.indexOf(' ')), []);
    if (!line.startsWith('-A ')) continue;
    const space = line.indexOf(' ', 3);
    // A rule without match and target is its chain's name alone.
    const chain = line.slice(3, space < 0 ? undefined : space);
    chains.get(chain)?.push(space < 0 ? '' : oneSpace(line.slice(space + 1).trimEnd()));
  }
  return chains;
}
