import type { Pod } from '#api/generated/types.ts';

/** Those of a Pod's own that no other Pod feels: the list of a kubelet without `--allowed-unsafe-sysctls`. */
const safe: ReadonlyMap<string, 'ipc' | 'network'> = new Map([
  ['kernel.shm_rmid_forced', 'ipc'],
  ['net.ipv4.ip_local_port_range', 'network'],
  ['net.ipv4.ip_local_reserved_ports', 'network'],
  ['net.ipv4.ip_unprivileged_port_start', 'network'],
  ['net.ipv4.ping_group_range', 'network'],
  ['net.ipv4.tcp_fin_timeout', 'network'],
  ['net.ipv4.tcp_keepalive_intvl', 'network'],
  ['net.ipv4.tcp_keepalive_probes', 'network'],
  ['net.ipv4.tcp_keepalive_time', 'network'],
  ['net.ipv4.tcp_rmem', 'network'],
  ['net.ipv4.tcp_syncookies', 'network'],
  ['net.ipv4.tcp_wmem', 'network'],
]);

export interface Sysctl {
  /** With dots. */
  readonly name: string;
  readonly value: string;
}

/** What a Pod sets of one of its namespaces. */
export function sysctlsOf({ spec }: Pod, namespace: 'ipc' | 'network'): readonly Sysctl[] {
  return (spec.securityContext?.sysctls ?? [])
    .map(({ name, value }) => ({ name: dotted(name), value }))
    .filter(({ name }) => safe.get(name) === namespace);
}

/** Why one of those that the Pod wants to set is refused. */
export function forbiddenSysctl({ spec }: Pod): string | undefined {
  for (const { name } of spec.securityContext?.sysctls ?? []) {
    const why = forbidden(dotted(name), { ipc: spec.hostIPC === true, network: spec.hostNetwork === true });
    if (why !== undefined) return why;
  }
  return undefined;
}

function forbidden(name: string, shared: Readonly<Record<'ipc' | 'network', boolean>>): string | undefined {
  const namespace = safe.get(name);
  if (namespace === undefined) return `${JSON.stringify(name)} not allowlisted`;
  return shared[namespace] ? `${JSON.stringify(name)} not allowed with host ${words[namespace]} enabled` : undefined;
}

const words = { ipc: 'IPC', network: 'Net' } as const;

/** Names may be written with slashes instead, between which dots are part of a name. */
function dotted(name: string): string {
  const separator = /[./]/.exec(name)?.[0];
  return separator === '/' ? name.replaceAll(/[./]/g, (one) => (one === '/' ? '.' : '/')) : name;
}
