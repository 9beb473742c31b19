import type { MountPart, MountStep } from './mount-step.ts';

/** A volume (or a file of ours) that shows up in the container. */
export interface ContainerMount {
  /** On the machine; exists already. */
  readonly source: string;
  /** Only this of it. */
  readonly part?: MountPart | undefined;
  readonly target: string;
  readonly readOnly: boolean;
}

export interface ContainerMountsSpec {
  readonly image: readonly MountStep[];
  /** Made for the Pod: `hosts`, `hostname`, `resolv.conf`. */
  readonly etcDir: string;
  /** Shared by the Pod's containers. */
  readonly shmDir: string;
  readonly mounts: readonly ContainerMount[];
  readonly readOnlyRoot: boolean;
  /** The kernel's own files in /sys can be written to. */
  readonly privileged: boolean;
}

const devices = ['null', 'zero', 'full', 'random', 'urandom', 'tty'] as const;

/** The whole file tree of a container, but for /proc, which only a process inside of its pid namespace can mount. */
export function planContainerMounts(spec: ContainerMountsSpec): readonly MountStep[] {
  return [
    ...spec.image,
    { kind: 'directory', target: '/proc', mode: 0o555 },
    { kind: 'directory', target: '/sys', mode: 0o555 },
    {
      kind: 'either',
      of: [
        [{ kind: 'mount', type: 'sysfs', target: '/sys', readOnly: !spec.privileged }],
        // The kernel refuses a new one without privilege where parts of the old one are covered.
        [{ kind: 'bind', target: '/sys', source: '/sys', recursive: true, readOnly: true }],
        [],
      ],
    },
    ...planDevices(spec.shmDir),
    { kind: 'bind', target: '/etc/hosts', source: `${spec.etcDir}/hosts` },
    { kind: 'bind', target: '/etc/hostname', source: `${spec.etcDir}/hostname` },
    { kind: 'bind', target: '/etc/resolv.conf', source: `${spec.etcDir}/resolv.conf` },
    ...inOrder(spec.mounts).map(({ source, part, target, readOnly }): MountStep => ({
      kind: 'bind',
      target,
      source,
      ...(part === undefined ? {} : { part }),
      readOnly,
      recursive: true,
    })),
    ...(spec.readOnlyRoot ? readOnlySteps(spec) : []),
  ];
}

/** Last, because mount points come into being by being mounted on. */
function readOnlySteps({ image, mounts }: ContainerMountsSpec): readonly MountStep[] {
  // What a volume covers cannot be written to, and the volume may be.
  const covered = new Set(mounts.map(({ target }) => target));
  const targets = image.flatMap((step) => {
    const first = step.kind === 'either' ? step.of[0]?.[0] : step;
    const writable =
      first?.kind === 'overlay' || first?.kind === 'layers' || (first?.kind === 'mount' && first.readOnly !== true);
    return writable && !covered.has(first.target) ? [first.target] : [];
  });
  return targets.map((target) => ({ kind: 'read-only', target }));
}

function planDevices(shmDir: string): readonly MountStep[] {
  return [
    { kind: 'directory', target: '/dev', mode: 0o755 },
    { kind: 'mount', type: 'tmpfs', target: '/dev', data: 'mode=755,size=64k' },
    ...devices.map((name): MountStep => ({
      kind: 'bind',
      target: `/dev/${name}`,
      source: `/dev/${name}`,
      devices: true,
    })),
    { kind: 'directory', target: '/dev/pts', mode: 0o755 },
    { kind: 'mount', type: 'devpts', target: '/dev/pts', data: 'newinstance,ptmxmode=0666,mode=0620' },
    { kind: 'symlink', target: '/dev/ptmx', to: 'pts/ptmx' },
    { kind: 'directory', target: '/dev/mqueue', mode: 0o1777 },
    { kind: 'either', of: [[{ kind: 'mount', type: 'mqueue', target: '/dev/mqueue' }], []] },
    { kind: 'directory', target: '/dev/shm', mode: 0o1777 },
    { kind: 'bind', target: '/dev/shm', source: shmDir },
    { kind: 'symlink', target: '/dev/fd', to: '/proc/self/fd' },
    { kind: 'symlink', target: '/dev/stdin', to: '/proc/self/fd/0' },
    { kind: 'symlink', target: '/dev/stdout', to: '/proc/self/fd/1' },
    { kind: 'symlink', target: '/dev/stderr', to: '/proc/self/fd/2' },
  ];
}

/** A mount below another comes after it, or it would be covered. */
function inOrder(mounts: readonly ContainerMount[]): readonly ContainerMount[] {
  const depth = (mount: ContainerMount): number => mount.target.split('/').filter((part) => part !== '').length;
  return mounts.toSorted((a, b) => depth(a) - depth(b));
}
