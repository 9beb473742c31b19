/** In the order of their numbers, CAP_CHOWN being 0 (<linux/capability.h>). */
export const CAPABILITIES = [
  'CHOWN',
  'DAC_OVERRIDE',
  'DAC_READ_SEARCH',
  'FOWNER',
  'FSETID',
  'KILL',
  'SETGID',
  'SETUID',
  'SETPCAP',
  'LINUX_IMMUTABLE',
  'NET_BIND_SERVICE',
  'NET_BROADCAST',
  'NET_ADMIN',
  'NET_RAW',
  'IPC_LOCK',
  'IPC_OWNER',
  'SYS_MODULE',
  'SYS_RAWIO',
  'SYS_CHROOT',
  'SYS_PTRACE',
  'SYS_PACCT',
  'SYS_ADMIN',
  'SYS_BOOT',
  'SYS_NICE',
  'SYS_RESOURCE',
  'SYS_TIME',
  'SYS_TTY_CONFIG',
  'MKNOD',
  'LEASE',
  'AUDIT_WRITE',
  'AUDIT_CONTROL',
  'SETFCAP',
  'MAC_OVERRIDE',
  'MAC_ADMIN',
  'SYSLOG',
  'WAKE_ALARM',
  'BLOCK_SUSPEND',
  'AUDIT_READ',
  'PERFMON',
  'BPF',
  'CHECKPOINT_RESTORE',
] as const;

export type Capability = (typeof CAPABILITIES)[number];

/**
 * What container runtimes give to root. Without MKNOD: they let a cgroup say which devices may be opened, and where no
 * cgroup does, a device node is the device.
 */
const DEFAULT: readonly Capability[] = [
  'CHOWN',
  'DAC_OVERRIDE',
  'FSETID',
  'FOWNER',
  'NET_RAW',
  'SETGID',
  'SETUID',
  'SETFCAP',
  'SETPCAP',
  'NET_BIND_SERVICE',
  'SYS_CHROOT',
  'KILL',
  'AUDIT_WRITE',
];

export interface CapabilityWish {
  readonly add: readonly string[];
  readonly drop: readonly string[];
  readonly privileged: boolean;
}

/** Names with or without CAP_, in any case; `ALL` is all of them. What is added stays although all is dropped. */
export function grantCapabilities({ add, drop, privileged }: CapabilityWish): ReadonlySet<Capability> {
  if (privileged) return new Set(CAPABILITIES);
  const [added, dropped] = [add, drop].map((names) => new Set(names.map(plainName)));
  const has = (set: ReadonlySet<string> | undefined, name: string): boolean => set?.has(name) === true;
  return new Set(
    CAPABILITIES.filter((name) => {
      if (has(dropped, name)) return false;
      if (has(added, name)) return true;
      if (has(added, 'ALL')) return true;
      return DEFAULT.includes(name) && !has(dropped, 'ALL');
    }),
  );
}

/** The first name that no capability has. */
export function unknownCapability({ add, drop }: CapabilityWish): string | undefined {
  const known = new Set<string>(['ALL', ...CAPABILITIES]);
  return [...add, ...drop].find((name) => !known.has(plainName(name)));
}

function plainName(name: string): string {
  return name.toUpperCase().replace(/^CAP_/, '');
}
