/** Where the result of the call labelled so goes, once it is known. */
export interface ResultOf {
  readonly resultOf: string;
}

/** Numbers as they are; texts and bytes by their address, a list of texts by the address of a list that ends with null. */
export type Argument = number | string | Uint8Array | readonly string[] | ResultOf;

/** One system call as data. All are made in order, by a process that does nothing else (`stage-program.ts`). */
export interface SystemCall {
  readonly name: SystemCallName;
  readonly args: readonly Argument[];
  /** For the error, after the word "Cannot". Without it a failure is passed over. */
  readonly action?: string | undefined;
  readonly label?: string | undefined;
}

export type SystemCallName = keyof typeof numbers;

export type Architecture = 'x64' | 'arm64';

/** #define __NR_*: of x86-64, and of the generic table that arm64 uses. */
const numbers = {
  capset: [126, 91],
  chdir: [80, 49],
  close_range: [436, 436],
  execve: [59, 221],
  exit: [60, 93],
  fcntl: [72, 25],
  ioctl: [16, 29],
  mkdirat: [258, 34],
  mount: [165, 40],
  openat: [257, 56],
  pivot_root: [155, 41],
  ppoll: [271, 73],
  prctl: [157, 167],
  rt_sigaction: [13, 134],
  setgroups: [116, 159],
  setns: [308, 268],
  setresgid: [119, 149],
  setresuid: [117, 147],
  setsid: [112, 157],
  umask: [95, 166],
  umount2: [166, 39],
  unshare: [272, 97],
  write: [1, 64],
} as const;

export function systemCallNumber(name: SystemCallName, architecture: Architecture): number {
  return numbers[name][architecture === 'x64' ? 0 : 1];
}
