import type { HostAlias } from '#api/generated/types.ts';

export interface HostsFileSpec {
  readonly hostname: string;
  /** Full name, where the Pod has a subdomain. */
  readonly domain: string | undefined;
  readonly podIps: readonly string[];
  readonly aliases: readonly HostAlias[];
}

const HEAD = `# Kubernetes-managed hosts file.
127.0.0.1\tlocalhost
::1\tlocalhost ip6-localhost ip6-loopback
fe00::0\tip6-localnet
fe00::0\tip6-mcastprefix
fe00::1\tip6-allnodes
fe00::2\tip6-allrouters
`;

/** /etc/hosts of a Pod with a network of its own, in a kubelet's layout. */
export function hostsFile({ hostname, domain, podIps, aliases }: HostsFileSpec): string {
  const names = domain === undefined ? hostname : `${domain}\t${hostname}`;
  return `${HEAD}${podIps.map((ip) => `${ip}\t${names}\n`).join('')}${aliasLines(aliases)}`;
}

/** /etc/hosts of a Pod in the node's network: the machine's own, and the Pod's additions. */
export function hostNetworkHostsFile(machine: string, aliases: readonly HostAlias[]): string {
  return `# Kubernetes-managed hosts file (host network).\n${machine}${aliasLines(aliases)}`;
}

function aliasLines(aliases: readonly HostAlias[]): string {
  if (aliases.length === 0) return '';
  const lines = aliases.map(({ ip, hostnames = [] }) => `${[ip, ...hostnames].join('\t')}\n`);
  return `\n# Entries added by HostAliases.\n${lines.join('')}`;
}
