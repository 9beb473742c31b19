/**
 * Chains of kube-proxy's iptables mode, which ours has too: by their names, nobody can tell whose they are. KUBE-MARK-MASQ,
 * KUBE-FIREWALL and KUBE-KUBELET-CANARY are the kubelet's as well. Mode ipvs has some more, and ours one.
 */
const NAMES = [
  'SERVICES|EXTERNAL-SERVICES|NODEPORTS|POSTROUTING|FORWARD|PROXY-FIREWALL|PROXY-CANARY|MARK-OUTSIDE',
  'LOAD-BALANCER|NODE-PORT|SOURCE-RANGES-FIREWALL|IPVS-FILTER|IPVS-OUT-FILTER',
  '(SVC|SVL|SEP|FW|EXT|XLB)-[A-Z0-9]+',
];
const OWN = new RegExp(`^KUBE-(${NAMES.join('|')})$`);
const BUILT_IN = /^(INPUT|OUTPUT|FORWARD|PREROUTING|POSTROUTING)$/;

/** The input of `iptables-restore --noflush` that takes those chains out of a table; undefined where there are none. */
export function cleanupInput(table: string, saved: string): string | undefined {
  const lines = saved.split('\n');
  const chains = lines.flatMap((line) => /^:(\S+) /.exec(line)?.[1] ?? []).filter((name) => OWN.test(name));
  if (chains.length === 0) return undefined;
  const jumps = lines.flatMap((line) => {
    const [, from = '', rest = ''] = /^-A (\S+) (.*)$/.exec(line) ?? [];
    const target = / ?-[jg] (\S+)/.exec(rest)?.[1] ?? '';
    return BUILT_IN.test(from) && OWN.test(target) ? [`-D ${from} ${rest}`] : [];
  });
  return [
    `*${table}`,
    // Naming a chain empties it.
    ...chains.map((chain) => `:${chain} - [0:0]`),
    ...jumps,
    ...chains.map((chain) => `-X ${chain}`),
    'COMMIT',
    '',
  ].join('\n');
}
