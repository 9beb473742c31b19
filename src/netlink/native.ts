import { type CLibrary, cLibrary, foreignFunctions } from './c-library.ts';
import { SystemError } from './system-error.ts';

/**
 * The C library, called directly. The foreign function interface is as memory-unsafe as C is: a buffer may be passed only
 * to calls that forget it when they return, and lengths are always taken from the buffer itself.
 *
 * All calls are synchronous, on the calling thread, because namespaces belong to threads.
 */
interface Libc extends CLibrary {
  readonly socket: (domain: number, type: number, protocol: number) => number;
  readonly socketpair: (domain: number, type: number, protocol: number, fds: Int32Array) => number;
  readonly bind: (fd: number, address: Uint8Array, length: number) => number;
  readonly getsockname: (fd: number, address: Uint8Array, length: Int32Array) => number;
  readonly getsockopt: (fd: number, level: number, name: number, value: Int32Array, length: Int32Array) => number;
  readonly setsockopt: (fd: number, level: number, name: number, value: Int32Array, length: number) => number;
  readonly send: (fd: number, bytes: Uint8Array, length: number, flags: number) => number;
  readonly recv: (fd: number, bytes: Uint8Array, length: number, flags: number) => number;
  readonly poll: (fds: Int32Array, count: number, timeout: number) => number;
  readonly recvmmsg: (fd: number, messages: Uint8Array, count: number, flags: number, timeout: null) => number;
  readonly sendmmsg: (fd: number, messages: Uint8Array, count: number, flags: number) => number;
  readonly epoll_create1: (flags: number) => number;
  readonly epoll_ctl: (epoll: number, operation: number, fd: number, event: Uint32Array) => number;
  readonly dup3: (from: number, to: number, flags: number) => number;
  readonly unshare: (flags: number) => number;
  readonly setns: (fd: number, type: number) => number;
  readonly mount: (
    source: string | null,
    target: string,
    type: string | null,
    flags: number,
    data: string | null,
  ) => number;
  readonly umount2: (target: string, flags: number) => number;
  readonly sethostname: (name: Uint8Array, length: number) => number;
  readonly chdir: (path: string) => number;
  readonly syscall2: (number: number, a: string, b: string) => number;
}

const libc = cLibrary<Libc>({
  socket: 'int socket(int, int, int)',
  socketpair: 'int socketpair(int, int, int, void *)',
  bind: 'int bind(int, const void *, unsigned int)',
  getsockname: 'int getsockname(int, void *, void *)',
  getsockopt: 'int getsockopt(int, int, int, void *, void *)',
  setsockopt: 'int setsockopt(int, int, int, const void *, unsigned int)',
  send: 'long send(int, const void *, size_t, int)',
  recv: 'long recv(int, void *, size_t, int)',
  poll: 'int poll(void *, unsigned long, int)',
  recvmmsg: 'int recvmmsg(int, void *, unsigned int, int, void *)',
  sendmmsg: 'int sendmmsg(int, void *, unsigned int, int)',
  epoll_create1: 'int epoll_create1(int)',
  epoll_ctl: 'int epoll_ctl(int, int, int, void *)',
  dup3: 'int dup3(int, int, int)',
  unshare: 'int unshare(int)',
  setns: 'int setns(int, int)',
  mount: 'int mount(const char *, const char *, const char *, unsigned long, const char *)',
  umount2: 'int umount2(const char *, int)',
  sethostname: 'int sethostname(const void *, size_t)',
  chdir: 'int chdir(const char *)',
  syscall2: 'long syscall(long, const char *, const char *)',
});

function check(result: number, action: () => string): number {
  if (result < 0) throw new SystemError(action(), libc().errno());
  return result;
}

const quote = (text: string | null): string => JSON.stringify(text ?? 'none');

export const AF_UNIX = 1;
export const AF_INET = 2;
export const AF_INET6 = 10;
export const AF_NETLINK = 16;
export const SOCK_STREAM = 1;
export const SOCK_DGRAM = 2;
export const SOCK_RAW = 3;
export const SOCK_NONBLOCK = 0o4000;
export const SOCK_CLOEXEC = 0o2000000;
export const O_CLOEXEC = 0o2000000;
export const MSG_TRUNC = 0x20;
export const POLLIN = 1;
const MADV_DONTNEED = 4;
const MSG_DONTWAIT = 0x40;
const EPOLL_CTL_ADD = 1;

export function socket(domain: number, type: number, protocol: number): number {
  return check(libc().socket(domain, type | SOCK_CLOEXEC, protocol), () => `open a socket of family ${domain}`);
}

export function socketpair(domain: number, type: number): readonly [number, number] {
  const fds = new Int32Array(2);
  check(libc().socketpair(domain, type | SOCK_CLOEXEC, 0, fds), () => `open a pair of sockets of family ${domain}`);
  return [fds[0] ?? -1, fds[1] ?? -1];
}

/** `address` is a struct sockaddr, `what` its text for the error. */
export function bind(fd: number, address: Uint8Array, what: string): void {
  check(libc().bind(fd, address, address.length), () => `bind to ${what}`);
}

/** The struct sockaddr that the socket is bound to. */
export function getsockname(fd: number): Uint8Array {
  const address = new Uint8Array(128);
  const length = new Int32Array([address.length]);
  check(libc().getsockname(fd, address, length), () => `read the address of socket ${fd}`);
  return address.subarray(0, length[0]);
}

export function getsockopt(fd: number, level: number, name: number): number {
  const value = new Int32Array(1);
  check(libc().getsockopt(fd, level, name, value, Int32Array.of(4)), () => `read socket option ${level}.${name}`);
  return value[0] ?? 0;
}

export function setsockopt(fd: number, level: number, name: number, value: number): void {
  const bytes = new Int32Array([value]);
  check(libc().setsockopt(fd, level, name, bytes, 4), () => `set socket option ${level}.${name} to ${value}`);
}

export function send(fd: number, bytes: Uint8Array, flags: number = 0): number {
  return check(libc().send(fd, bytes, bytes.length, flags), () => `send ${bytes.length} bytes`);
}

/** The number of bytes, or the negative errno: an empty queue is no exception. */
export function recv(fd: number, bytes: Uint8Array, flags: number = 0): number {
  const length = libc().recv(fd, bytes, bytes.length, flags);
  return length < 0 ? -libc().errno() : length;
}

/** Blocks the thread until the descriptor has something to read; false when the time is over. */
export function pollIn(fd: number, timeoutMs: number): boolean {
  // struct pollfd { int fd; short events; short revents; }
  const ready = check(libc().poll(new Int32Array([fd, POLLIN]), 1, timeoutMs), () => `poll descriptor ${fd}`);
  return ready > 0;
}

/** Memory that stays where it is, for structures that point into each other. It is never given back. */
export interface FixedMemory {
  readonly bytes: Uint8Array;
  readonly address: bigint;
}

export function fixedMemory(size: number): FixedMemory {
  const koffi = foreignFunctions();
  const pointer: unknown = koffi.alloc('uint8_t', size);
  return { bytes: new Uint8Array(koffi.view(pointer, size)), address: koffi.address(pointer) };
}

/** The number of messages, or the negative errno. `messages` are `struct mmsghdr` in fixed memory. */
export function recvmmsg(fd: number, messages: Uint8Array, count: number): number {
  const received = libc().recvmmsg(fd, messages, count, MSG_DONTWAIT, null);
  return received < 0 ? -libc().errno() : received;
}

/** The number of messages that were taken, or the negative errno of the first. */
export function sendmmsg(fd: number, messages: Uint8Array, count: number): number {
  const sent = libc().sendmmsg(fd, messages, count, MSG_DONTWAIT);
  return sent < 0 ? -libc().errno() : sent;
}

/** A descriptor that is readable whenever `fd` is, and has nothing to be read itself. */
export function mirrorReadable(fd: number): number {
  const epoll = check(libc().epoll_create1(O_CLOEXEC), () => 'open an epoll descriptor');
  // struct epoll_event { uint32_t events; uint64_t data; }, packed on x86-64 only: the data is nothing to us.
  const event = new Uint32Array([POLLIN, 0, 0, 0]);
  check(libc().epoll_ctl(epoll, EPOLL_CTL_ADD, fd, event), () => `wait for descriptor ${fd}`);
  return epoll;
}

/** Gives memory that was freed back to the kernel; only glibc has it. */
export function mallocTrim(): void {
  try {
    const trim = foreignFunctions().load(null).func('int malloc_trim(size_t)') as (pad: number) => number;
    trim(0);
  } catch {
    // Another C library.
  }
}

/** The pages of a mapping are mapped again when they are looked at; what was written to them is lost. */
export function forgetPages(address: bigint, length: bigint): void {
  const madvise = foreignFunctions().load(null).func('int madvise(uintptr_t, size_t, int)') as (
    address: bigint,
    length: bigint,
    advice: number,
  ) => number;
  check(madvise(address, length, MADV_DONTNEED), () => `forget pages at 0x${address.toString(16)}`);
}

/** Makes `to` another name of what `from` is. */
export function dup3(from: number, to: number, flags: number): void {
  check(libc().dup3(from, to, flags), () => `duplicate descriptor ${from} to ${to}`);
}

export function unshare(flags: number): void {
  check(libc().unshare(flags), () => `unshare namespaces 0x${flags.toString(16)}`);
}

export function setns(fd: number, type: number): void {
  check(libc().setns(fd, type), () => `enter namespace of descriptor ${fd}`);
}

export function mount(
  source: string | null,
  target: string,
  type: string | null,
  flags: number,
  data: string | null,
): void {
  check(
    libc().mount(source, target, type, flags, data),
    () => `mount ${quote(source)} on ${quote(target)} as ${quote(type)} with ${quote(data)}`,
  );
}

export function umount2(target: string, flags: number): void {
  check(libc().umount2(target, flags), () => `unmount ${quote(target)}`);
}

export function sethostname(name: string): void {
  const bytes = new TextEncoder().encode(name);
  check(libc().sethostname(bytes, bytes.length), () => `set host name to ${quote(name)}`);
}

export function chdir(path: string): void {
  check(libc().chdir(path), () => `change directory to ${quote(path)}`);
}

/** The C library has no wrapper for it. */
export function pivotRoot(root: string, oldRoot: string): void {
  // #define __NR_pivot_root: 155 on x86-64, 41 in the generic table that arm64 uses.
  const number = process.arch === 'x64' ? 155 : 41;
  check(libc().syscall2(number, root, oldRoot), () => `pivot root to ${quote(root)}`);
}
