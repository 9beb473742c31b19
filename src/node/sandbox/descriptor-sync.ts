import { closeSync, constants, openSync, writeSync } from 'node:fs';
import { type CLibrary, cLibrary } from '#netlink/c-library.ts';
import { SystemError } from '#netlink/system-error.ts';

/** Pipes and terminals: the calls of the C library that Node has no words for. */
interface Calls extends CLibrary {
  readonly pipe2: (fds: Int32Array, flags: number) => number;
  readonly memfdCreate: (name: string, flags: number) => number;
  /** Variadic in C; both ABIs that we run on pass a third argument as they do here. */
  readonly ioctl: (fd: number, request: number, argument: Int32Array | Uint16Array) => number;
}

const calls = cLibrary<Calls>({
  pipe2: 'int pipe2(void *, int)',
  memfdCreate: 'int memfd_create(const char *, unsigned int)',
  ioctl: 'int ioctl(int, unsigned long, void *)',
});

export interface Pipe {
  readonly read: number;
  readonly write: number;
}

const O_CLOEXEC = 0o2000000;

/**
 * What `stdio: 'pipe'` gives to a child is a socket, and a program that opens /dev/stdout then fails with ENXIO. Real
 * pipes may be opened again.
 */
export function openPipe(): Pipe {
  const fds = new Int32Array(2);
  if (calls().pipe2(fds, O_CLOEXEC) < 0) throw new SystemError('open a pipe', calls().errno());
  return { read: fds[0] ?? -1, write: fds[1] ?? -1 };
}

const MFD_CLOEXEC = 1;
const MFD_EXEC = 0x10;

/** A file in memory, with no name, that holds a program; it can be run as `/proc/<our pid>/fd/<descriptor>`. */
export function openProgram(bytes: Uint8Array): number {
  const create = (flags: number): number => calls().memfdCreate('stage', flags);
  let fd = create(MFD_CLOEXEC | MFD_EXEC);
  // Kernels before 6.3 do not know that such a file could be anything but executable.
  if (fd < 0) fd = create(MFD_CLOEXEC);
  if (fd < 0) throw new SystemError('make a file in memory', calls().errno());
  try {
    for (let at = 0; at < bytes.length;) at += writeSync(fd, bytes, at);
    return fd;
  } catch (error) {
    closeSync(fd);
    throw error;
  }
}

export interface Terminal {
  /** Ours: what is written here the program reads. */
  readonly master: number;
  /** The program's. */
  readonly slave: number;
}

const TIOCSPTLCK = 0x40045431;
const TIOCGPTN = 0x80045430;
const TIOCSWINSZ = 0x5414;

/** A new terminal of the devpts that is mounted at `devpts`. */
export function openTerminal(devpts: string): Terminal {
  // Without O_NOCTTY the terminal could become the agent's own.
  const flags = constants.O_RDWR | constants.O_NOCTTY | O_CLOEXEC;
  const master = openSync(`${devpts}/ptmx`, flags);
  try {
    ioctl(master, TIOCSPTLCK, new Int32Array([0]), 'unlock a terminal');
    const number = new Int32Array(1);
    ioctl(master, TIOCGPTN, number, 'find the name of a terminal');
    return { master, slave: openSync(`${devpts}/${number[0] ?? 0}`, flags) };
  } catch (error) {
    closeSync(master);
    throw error;
  }
}

/** The program in it gets a SIGWINCH. */
export function resizeTerminal(fd: number, size: { readonly columns: number; readonly rows: number }): void {
  // struct winsize { unsigned short ws_row, ws_col, ws_xpixel, ws_ypixel; }
  ioctl(fd, TIOCSWINSZ, new Uint16Array([size.rows, size.columns, 0, 0]), 'resize a terminal');
}

/** `action` is what it is for, after the word "Cannot". */
export function ioctl(fd: number, request: number, argument: Int32Array | Uint16Array, action: string): void {
  if (calls().ioctl(fd, request, argument) < 0) throw new SystemError(action, calls().errno());
}
