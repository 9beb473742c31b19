import type { Capability } from './capability.ts';
import { type Architecture, systemCallNumber, type SystemCallName } from './system-call.ts';

/**
 * A classic BPF program for seccomp(2) that refuses, with EPERM, what container runtimes refuse by default: what reaches
 * past a container or is there for nobody's program. A capability opens the calls that it is for.
 */
export function runtimeDefaultFilter(capabilities: ReadonlySet<Capability>, architecture: Architecture): Uint8Array {
  const has = (needed: Capability | undefined): boolean => needed !== undefined && capabilities.has(needed);
  const refused = refusals.filter(({ unless }) => !has(unless)).flatMap(({ calls }) => calls);
  const number = (name: SystemCallName): number => systemCallNumber(name, architecture);
  return assemble([
    load(DATA_ARCH),
    // Numbers mean something else there, so that all that follows could be got around.
    ...unlessEqual(AUDIT_ARCH[architecture], ERRNO | ENOSYS),
    load(DATA_NR),
    ...(architecture === 'x64' ? ifAtLeast(X32_SYSCALL_BIT, ERRNO | ENOSYS) : []),
    ...refused.flatMap((name) => ifEqual(number(name), ERRNO | EPERM)),
    ...(architecture === 'x64' ? onlyX64.flatMap((one) => ifEqual(one, ERRNO | EPERM)) : []),
    // Its flags are in memory, which cannot be looked at. Without it libraries take clone(2).
    ...(has('SYS_ADMIN') ? [] : [...ifEqual(number('clone3'), ERRNO | ENOSYS), ...noNamespaces(number('clone'))]),
    { code: RET, jt: 0, jf: 0, k: ALLOW },
  ]);
}

interface Instruction {
  readonly code: number;
  /** Instructions to skip. */
  readonly jt: number;
  readonly jf: number;
  readonly k: number;
}

function load(offset: number): Instruction {
  return { code: LD_W_ABS, jt: 0, jf: 0, k: offset };
}

function ifEqual(k: number, verdict: number): readonly Instruction[] {
  return [
    { code: JEQ, jt: 0, jf: 1, k },
    { code: RET, jt: 0, jf: 0, k: verdict },
  ];
}

function unlessEqual(k: number, verdict: number): readonly Instruction[] {
  return [
    { code: JEQ, jt: 1, jf: 0, k },
    { code: RET, jt: 0, jf: 0, k: verdict },
  ];
}

function ifAtLeast(k: number, verdict: number): readonly Instruction[] {
  return [
    { code: JGE, jt: 0, jf: 1, k },
    { code: RET, jt: 0, jf: 0, k: verdict },
  ];
}

/** clone(2) for processes and threads, but not into new namespaces. */
function noNamespaces(clone: number): readonly Instruction[] {
  return [
    { code: JEQ, jt: 0, jf: 3, k: clone },
    load(DATA_ARG0),
    { code: JSET, jt: 0, jf: 1, k: NAMESPACES },
    { code: RET, jt: 0, jf: 0, k: ERRNO | EPERM },
  ];
}

/** struct sock_filter { __u16 code; __u8 jt; __u8 jf; __u32 k; } */
function assemble(program: readonly Instruction[]): Uint8Array {
  const bytes = Buffer.alloc(program.length * 8);
  program.forEach(({ code, jt, jf, k }, index) => {
    bytes.writeUInt16LE(code, index * 8);
    bytes.writeUInt8(jt, index * 8 + 2);
    bytes.writeUInt8(jf, index * 8 + 3);
    bytes.writeUInt32LE(k >>> 0, index * 8 + 4);
  });
  return bytes;
}

const refusals: readonly { readonly unless?: Capability; readonly calls: readonly SystemCallName[] }[] = [
  { calls: ['add_key', 'keyctl', 'request_key', 'move_pages', 'userfaultfd', 'kexec_file_load'] },
  { calls: ['io_uring_setup', 'io_uring_enter', 'io_uring_register'] },
  {
    unless: 'SYS_ADMIN',
    calls: [
      'bpf',
      'fanotify_init',
      'fsconfig',
      'fsmount',
      'fsopen',
      'fspick',
      'lookup_dcookie',
      'mount',
      'mount_setattr',
      'move_mount',
      'open_tree',
      'perf_event_open',
      'pivot_root',
      'quotactl',
      'quotactl_fd',
      'setdomainname',
      'sethostname',
      'setns',
      'swapoff',
      'swapon',
      'umount2',
      'unshare',
    ],
  },
  { unless: 'DAC_READ_SEARCH', calls: ['open_by_handle_at'] },
  { unless: 'SYS_BOOT', calls: ['kexec_load', 'reboot'] },
  { unless: 'SYS_CHROOT', calls: ['chroot'] },
  { unless: 'SYS_MODULE', calls: ['delete_module', 'finit_module', 'init_module'] },
  { unless: 'SYS_NICE', calls: ['get_mempolicy', 'mbind', 'set_mempolicy'] },
  { unless: 'SYS_PACCT', calls: ['acct'] },
  { unless: 'SYS_PTRACE', calls: ['kcmp'] },
  { unless: 'SYS_TIME', calls: ['clock_adjtime', 'clock_settime', 'settimeofday'] },
  { unless: 'SYS_TTY_CONFIG', calls: ['vhangup'] },
  { unless: 'SYSLOG', calls: ['syslog'] },
];

/** uselib, ustat, sysfs, iopl, ioperm */
const onlyX64 = [134, 136, 139, 172, 173];

/** <linux/audit.h> */
const AUDIT_ARCH: Readonly<Record<Architecture, number>> = { x64: 0xc000003e, arm64: 0xc00000b7 };
/** <asm/unistd.h>: __X32_SYSCALL_BIT */
const X32_SYSCALL_BIT = 0x40000000;
/** struct seccomp_data { int nr; __u32 arch; __u64 instruction_pointer; __u64 args[6]; } */
const DATA_NR = 0;
const DATA_ARCH = 4;
const DATA_ARG0 = 16;
/** <linux/bpf_common.h> */
const LD_W_ABS = 0x20;
const JEQ = 0x15;
const JGE = 0x35;
const JSET = 0x45;
const RET = 0x06;
/** <linux/seccomp.h>: SECCOMP_RET_* */
const ALLOW = 0x7fff0000;
const ERRNO = 0x00050000;
const EPERM = 1;
const ENOSYS = 38;
/** CLONE_NEWNS, NEWCGROUP, NEWUTS, NEWIPC, NEWUSER, NEWPID, NEWNET */
const NAMESPACES = 0x7e020000;
