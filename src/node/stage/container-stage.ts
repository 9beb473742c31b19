import { CAPABILITIES, type Capability } from './capability.ts';
import type { Becoming } from './id-map.ts';
import { runtimeDefaultFilter } from './seccomp-filter.ts';
import type { SystemCall } from './system-call.ts';

/** What a container's processes may do. */
export interface StageSecurity {
  readonly becoming: Becoming;
  readonly capabilities: ReadonlySet<Capability>;
  readonly noNewPrivs: boolean;
  /** The system calls that container runtimes refuse by default are refused. */
  readonly filtered: boolean;
  /** The kernel's own files in /proc are as they are, instead of hidden and read-only. */
  readonly unmasked: boolean;
}

export interface StageProgram {
  /** As the container sees it. */
  readonly path: string;
  readonly argv: readonly string[];
  readonly env: Readonly<Record<string, string>>;
  readonly workingDir: string;
  readonly tty: boolean;
  /** Directories of the control groups that it joins. */
  readonly cgroups?: readonly string[];
  /** From -1000 to 1000; lower than our own takes privilege, without which it is left. @default as our own */
  readonly oomScoreAdjust?: number | undefined;
}

/** Descriptors that the first process gets besides its three streams. */
export const REPORT_FD = 3;
export const MOUNT_FD = 4;
export const USER_FD = 5;

/** The first process of a container: from the machine's root, in all its namespaces, to the user's program. */
export function planContainerStart(
  root: string,
  program: StageProgram,
  security: StageSecurity,
): readonly SystemCall[] {
  const renumbers = security.becoming.kind === 'renumber';
  return [
    ...begin(program),
    ...enterRoot(root, security.unmasked),
    { name: 'chdir', args: [program.workingDir], action: `change to directory ${quote(program.workingDir)}` },
    ...restrict(security),
    ...(renumbers ? become(security.becoming) : []),
    ...filter(security),
    ...(renumbers ? [] : become(security.becoming)),
    ...end(program, security),
  ];
}

/** Another process of a running container, in its network, uts, ipc and pid namespaces already. */
export function planContainerExec(program: StageProgram, security: StageSecurity): readonly SystemCall[] {
  const renumbered = security.becoming.kind === 'renumber';
  return [
    ...begin(program),
    { name: 'setns', args: [MOUNT_FD, CLONE_NEWNS], action: 'enter the file system of the container' },
    { name: 'chdir', args: [program.workingDir], action: `change to directory ${quote(program.workingDir)}` },
    ...restrict(security),
    ...(renumbered
      ? [
          {
            name: 'setns',
            args: [USER_FD, CLONE_NEWUSER],
            action: 'enter the user namespace of the container',
          } as const,
          ...filter(security),
        ]
      : [...filter(security), ...become(security.becoming)]),
    ...end(program, security),
  ];
}

/**
 * The first process of a pid namespace that several containers share: it outlives them, and by ignoring SIGCHLD lets
 * the kernel bury what they leave behind.
 */
export function planPause(): readonly SystemCall[] {
  // struct sigaction { SIG_IGN; flags; restorer; mask }
  const ignore = new Uint8Array(32);
  ignore[0] = 1;
  return [
    closeOnExec(REPORT_FD),
    { name: 'setsid', args: [] },
    { name: 'rt_sigaction', args: [SIGCHLD, ignore, 0, 8], action: 'ignore SIGCHLD' },
    // Nobody executes another program here, whose start would be the sign that all is well.
    { name: 'write', args: [REPORT_FD, 'ok', 2], action: 'report' },
    { name: 'ppoll', args: [0, 0, 0, 0, 0], action: 'wait' },
    { name: 'exit', args: [0] },
  ];
}

function begin({ tty, cgroups = [], oomScoreAdjust }: StageProgram): readonly SystemCall[] {
  return [
    ...[REPORT_FD, MOUNT_FD, USER_FD].map(closeOnExec),
    ...(oomScoreAdjust === undefined ? [] : adjustOomScore(String(oomScoreAdjust))),
    ...cgroups.flatMap(joinCgroup),
    // What it is in is its root from now on. Not in every kernel.
    ...(cgroups.length > 0 ? [{ name: 'unshare', args: [CLONE_NEWCGROUP] } as const] : []),
    { name: 'setsid', args: [] },
    ...(tty ? [{ name: 'ioctl', args: [0, TIOCSCTTY, 1], action: 'take the terminal' } as const] : []),
  ];
}

/** 0 stands for who writes it. */
function joinCgroup(directory: string): readonly SystemCall[] {
  return [
    {
      name: 'openat',
      args: [AT_FDCWD, `${directory}/cgroup.procs`, O_WRONLY | O_CLOEXEC],
      label: directory,
      action: `open control group ${quote(directory)}`,
    },
    { name: 'write', args: [{ resultOf: directory }, '0', 1], action: `join control group ${quote(directory)}` },
  ];
}

function adjustOomScore(score: string): readonly SystemCall[] {
  const label = 'oom_score_adj';
  return [
    { name: 'openat', args: [AT_FDCWD, '/proc/self/oom_score_adj', O_WRONLY | O_CLOEXEC], label },
    { name: 'write', args: [{ resultOf: label }, score, score.length] },
  ];
}

function closeOnExec(fd: number): SystemCall {
  return { name: 'fcntl', args: [fd, F_SETFD, FD_CLOEXEC] };
}

/** After pivot_root(2) with itself the old root lies over the new one, at the working directory, until unmounted. */
function enterRoot(root: string, unmasked: boolean): readonly SystemCall[] {
  return [
    { name: 'chdir', args: [root], action: `change to directory ${quote(root)}` },
    { name: 'pivot_root', args: ['.', '.'], action: 'change the root' },
    // Before the old root goes: without privilege a procfs may be mounted only where another one is in sight.
    { name: 'mount', args: ['proc', '/proc', 'proc', PROC_FLAGS, 0], action: 'mount procfs' },
    ...(unmasked
      ? []
      : [...readOnlyPaths.flatMap(makeReadOnly), ...hiddenFiles.map(hideFile), ...hiddenDirs.map(hideDir)]),
    { name: 'umount2', args: ['.', MNT_DETACH], action: 'leave the root of the machine' },
    { name: 'chdir', args: ['/'], action: 'change to the root' },
  ];
}

/** What is not in this kernel is not mounted. */
function makeReadOnly(path: string): readonly SystemCall[] {
  return [
    { name: 'mount', args: [path, path, 0, MS_BIND | MS_REC, 0] },
    { name: 'mount', args: [path, path, 0, MS_BIND | MS_REC | MS_REMOUNT | MS_RDONLY | PROC_FLAGS, 0] },
  ];
}

function hideFile(path: string): SystemCall {
  return { name: 'mount', args: ['/dev/null', path, 0, MS_BIND, 0] };
}

function hideDir(path: string): SystemCall {
  return { name: 'mount', args: ['tmpfs', path, 'tmpfs', MS_RDONLY | PROC_FLAGS, 'size=0'] };
}

/** The defaults of container runtimes. */
const readOnlyPaths = ['/proc/bus', '/proc/fs', '/proc/irq', '/proc/sys', '/proc/sysrq-trigger'];
const hiddenFiles = [
  '/proc/interrupts',
  '/proc/kcore',
  '/proc/keys',
  '/proc/kmsg',
  '/proc/latency_stats',
  '/proc/sched_debug',
  '/proc/timer_list',
  '/proc/timer_stats',
];
const hiddenDirs = ['/proc/acpi', '/proc/asound', '/proc/scsi', '/sys/devices/virtual/powercap', '/sys/firmware'];

/** What no later program may get back, whoever runs it. */
function restrict({ capabilities }: StageSecurity): readonly SystemCall[] {
  return [
    { name: 'prctl', args: [PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0] },
    ...CAPABILITIES.flatMap((name, number): SystemCall[] => {
      if (capabilities.has(name)) return [];
      const action = number > LAST_OLD_CAPABILITY ? undefined : `drop capability ${name}`;
      return [{ name: 'prctl', args: [PR_CAPBSET_DROP, number, 0, 0, 0], action }];
    }),
  ];
}

/** A filter takes privilege, or `no_new_privs`: comes before we give that away, but after a user namespace is made. */
function filter({ filtered, capabilities }: StageSecurity): readonly SystemCall[] {
  if (!filtered) return [];
  const program = runtimeDefaultFilter.bind(undefined, capabilities);
  return [{ name: 'prctl', args: [PR_SET_SECCOMP, SECCOMP_MODE_FILTER, program, 0, 0], action: 'filter system calls' }];
}

function become(becoming: Becoming): readonly SystemCall[] {
  if (becoming.kind === 'renumber') return renumber(becoming.user, becoming.group);
  const { user, group, groups } = becoming;
  const list = new Uint8Array(Uint32Array.from(groups ?? []).buffer);
  return [
    ...(groups === undefined
      ? []
      : [{ name: 'setgroups', args: [groups.length, list], action: `set the groups ${groups.join(',')}` } as const]),
    { name: 'setresgid', args: [group, group, group], action: `become group ${group}` },
    { name: 'setresuid', args: [user, user, user], action: `become user ${user}` },
  ];
}

/** user_namespaces(7): who has no privilege above may map a group only when nobody in there can leave his groups. */
function renumber(user: number, group: number): readonly SystemCall[] {
  return [
    { name: 'unshare', args: [CLONE_NEWUSER], action: 'make a user namespace' },
    ...writeOwn('uid_map', `${user} 0 1`, `map user ${user}`),
    ...writeOwn('setgroups', 'deny', 'forbid other groups'),
    ...writeOwn('gid_map', `${group} 0 1`, `map group ${group}`),
  ];
}

function writeOwn(file: string, text: string, action: string): readonly SystemCall[] {
  return [
    {
      name: 'openat',
      args: [AT_FDCWD, `/proc/self/${file}`, O_WRONLY | O_CLOEXEC],
      label: file,
      action: `open ${file}`,
    },
    { name: 'write', args: [{ resultOf: file }, text, text.length], action },
  ];
}

function end({ path, argv, env }: StageProgram, { noNewPrivs }: StageSecurity): readonly SystemCall[] {
  const variables = Object.entries(env).map(([name, value]) => `${name}=${value}`);
  return [
    { name: 'umask', args: [0o22] },
    ...(noNewPrivs
      ? [{ name: 'prctl', args: [PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0], action: 'forbid new privileges' } as const]
      : []),
    { name: 'execve', args: [path, argv, variables], action: `exec ${quote(argv[0] ?? '')}` },
  ];
}

function quote(text: string): string {
  return JSON.stringify(text);
}

const AT_FDCWD = -100;
const CLONE_NEWNS = 0x20000;
const CLONE_NEWCGROUP = 0x2000000;
const CLONE_NEWUSER = 0x10000000;
const F_SETFD = 2;
const FD_CLOEXEC = 1;
/** CAP_AUDIT_READ; kernels before 5.9 know none beyond it. */
const LAST_OLD_CAPABILITY = 37;
const MNT_DETACH = 2;
const MS_RDONLY = 1;
const MS_NOSUID = 2;
const MS_NODEV = 4;
const MS_NOEXEC = 8;
const MS_REMOUNT = 32;
const MS_BIND = 4096;
const MS_REC = 16384;
const O_CLOEXEC = 0o2000000;
const O_WRONLY = 1;
const PR_CAPBSET_DROP = 24;
const PR_SET_SECCOMP = 22;
const SECCOMP_MODE_FILTER = 2;
const PR_SET_NO_NEW_PRIVS = 38;
const PR_CAP_AMBIENT = 47;
const PR_CAP_AMBIENT_CLEAR_ALL = 4;
const PROC_FLAGS = MS_NOSUID | MS_NODEV | MS_NOEXEC;
const SIGCHLD = 17;
const TIOCSCTTY = 0x540e;
