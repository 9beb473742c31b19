/** Where the result of the call labelled so goes, once it is known. */
export interface ResultOf {
  readonly resultOf: string;
}

/** Numbers as they are; texts and bytes by their address, a list of texts by the address of a list that ends with null. */
export type Argument = number | string | Uint8Array | readonly string[] | ResultOf | FilterProgram;

/** struct sock_fprog: the count of its instructions, and their address. */
export type FilterProgram = (architecture: Architecture) => Uint8Array;

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
  acct: [163, 89],
  add_key: [248, 217],
  bpf: [321, 280],
  capset: [126, 91],
  chdir: [80, 49],
  chroot: [161, 51],
  clock_adjtime: [305, 266],
  clock_settime: [227, 112],
  clone: [56, 220],
  clone3: [435, 435],
  close_range: [436, 436],
  delete_module: [176, 106],
  execve: [59, 221],
  exit: [60, 93],
  fanotify_init: [300, 262],
  fcntl: [72, 25],
  finit_module: [313, 273],
  fsconfig: [431, 431],
  fsmount: [432, 432],
  fsopen: [430, 430],
  fspick: [433, 433],
  get_mempolicy: [239, 236],
  init_module: [175, 105],
  io_uring_enter: [426, 426],
  io_uring_register: [427, 427],
  io_uring_setup: [425, 425],
  ioctl: [16, 29],
  kcmp: [312, 272],
  kexec_file_load: [320, 294],
  kexec_load: [246, 104],
  keyctl: [250, 219],
  lookup_dcookie: [212, 18],
  mbind: [237, 235],
  mkdirat: [258, 34],
  mount: [165, 40],
  mount_setattr: [442, 442],
  move_mount: [429, 429],
  move_pages: [279, 239],
  open_by_handle_at: [304, 265],
  open_tree: [428, 428],
  openat: [257, 56],
  perf_event_open: [298, 241],
  pivot_root: [155, 41],
  ppoll: [271, 73],
  prctl: [157, 167],
  quotactl: [179, 60],
  quotactl_fd: [443, 443],
  reboot: [169, 142],
  request_key: [249, 218],
  rt_sigaction: [13, 134],
  set_mempolicy: [238, 237],
  setdomainname: [171, 162],
  setgroups: [116, 159],
  sethostname: [170, 161],
  setns: [308, 268],
  setresgid: [119, 149],
  setresuid: [117, 147],
  setsid: [112, 157],
  settimeofday: [164, 170],
  swapoff: [168, 225],
  swapon: [167, 224],
  syslog: [103, 116],
  umask: [95, 166],
  umount2: [166, 39],
  unshare: [272, 97],
  userfaultfd: [323, 282],
  vhangup: [153, 58],
  write: [1, 64],
} as const;

export function systemCallNumber(name: SystemCallName, architecture: Architecture): number {
  return numbers[name][architecture === 'x64' ? 0 : 1];
}
