import * as native from './native.ts';

/** Messages a system call. More than that are rarely there, and the memory of each is touched. */
const SLOTS = 64;
/** `struct mmsghdr`: msghdr of 56 bytes, then msg_len; the same on x86-64 and arm64. */
const HEADER = 64;
const NAME_LENGTH = 8;
const IOV = 16;
const IOV_COUNT = 24;
const CONTROL = 32;
const CONTROL_LENGTH = 40;
const MESSAGE_LENGTH = 56;
const IOVEC = 16;
/** Where a `struct sockaddr_in` has its address, and a `struct sockaddr_in6`, which is the largest. */
const IPV4_ADDRESS = [4, 8] as const;
const IPV6_ADDRESS = [8, 24] as const;
const NAME = 32;
const CONTROL_SIZE = 64;
/** `struct cmsghdr`: length, level, type; the data begins after it. */
const CMSG = 16;
const SLOT = 4096;

const EAGAIN = 11;
const EINTR = 4;
const SOL_IP = 0;
const IP_PKTINFO = 8;
const SOL_IPV6 = 41;
const IPV6_RECVPKTINFO = 49;

/** Who sent a datagram, and which of our addresses it was sent to; kept for an answer that takes longer than its batch. */
export interface Sender {
  readonly name: Uint8Array;
  readonly control: Uint8Array;
}

/**
 * Datagrams of a bound UDP socket, many a system call. Answers leave from the address that the question was sent to, also
 * where the socket is bound to all addresses.
 */
export class DatagramBatch {
  /** As many as `receive` takes at most. */
  static readonly SLOTS: number = SLOTS;
  readonly #fd: number;
  readonly #in: Half;
  readonly #out: Half;
  #queued = 0;
  #closed = false;

  constructor(fd: number) {
    this.#fd = fd;
    const memory = native.fixedMemory(2 * Half.SIZE);
    this.#in = new Half(memory, 0);
    this.#out = new Half(memory, Half.SIZE);
  }

  /** So that the kernel tells which address a datagram was sent to, where there is more than one. */
  static wantLocalAddress(fd: number): void {
    const name = native.getsockname(fd);
    const isIpv6 = name[0] === native.AF_INET6;
    if (name.subarray(...(isIpv6 ? IPV6_ADDRESS : IPV4_ADDRESS)).some((byte) => byte !== 0)) return;
    // Only one: of a datagram over IPv4 a socket of both families would tell twice.
    if (isIpv6) native.setsockopt(fd, SOL_IPV6, IPV6_RECVPKTINFO, 1);
    else native.setsockopt(fd, SOL_IP, IP_PKTINFO, 1);
  }

  /** How many came; 0 when nothing is there. */
  receive(): number {
    this.#in.reset();
    const count = native.recvmmsg(this.#fd, this.#in.headers, SLOTS);
    return count < 0 ? 0 : count;
  }

  /** To keep. */
  message(slot: number): Buffer {
    return Buffer.from(this.#in.message(slot));
  }

  /** To keep. */
  sender(slot: number): Sender {
    const { name, control } = this.#in.sender(slot);
    return { name: Uint8Array.from(name), control: Uint8Array.from(control) };
  }

  /** The sender's address in bytes, as text of one character a byte: 4 of IPv4 or 16 of IPv6. */
  address(slot: number): string {
    return this.#in.address(slot);
  }

  /** Leaves with the next `flush`. */
  reply(to: number | Sender, bytes: Uint8Array): void {
    if (bytes.length > SLOT || this.#closed) return;
    if (this.#queued === SLOTS) this.flush();
    const slot = this.#queued++;
    if (typeof to === 'number') this.#out.putTo(slot, this.#in, to);
    else this.#out.putSender(slot, to);
    this.#out.putBytes(slot, bytes);
  }

  /** The descriptor is about to be closed: nothing is sent through it any more. */
  close(): void {
    this.#closed = true;
    this.#queued = 0;
  }

  /** What cannot be sent is lost, as datagrams are: its receiver asks again. */
  flush(): void {
    let start = 0;
    while (start < this.#queued) {
      const sent = native.sendmmsg(this.#fd, this.#out.headers.subarray(start * HEADER), this.#queued - start);
      if (sent === -EINTR) continue;
      if (sent === -EAGAIN) break;
      // The first one is what is wrong: nobody can be reached there.
      start += sent > 0 ? sent : 1;
    }
    this.#queued = 0;
  }
}

/** Headers, vectors, addresses, control data and bytes of one direction. */
class Half {
  static readonly SIZE: number = SLOTS * (HEADER + IOVEC + NAME + CONTROL_SIZE + SLOT);
  readonly headers: Uint8Array;
  readonly #view: DataView;
  readonly #bytes: Buffer;
  /** The same bytes; all that is not a datagram begins at a multiple of four. */
  readonly #words: Uint32Array;
  readonly #names: number = SLOTS * (HEADER + IOVEC);
  readonly #controls: number = SLOTS * (HEADER + IOVEC + NAME);
  readonly #data: number = SLOTS * (HEADER + IOVEC + NAME + CONTROL_SIZE);

  constructor(memory: native.FixedMemory, offset: number) {
    const { buffer, byteOffset } = memory.bytes;
    this.#bytes = Buffer.from(buffer, byteOffset + offset, Half.SIZE);
    this.#words = new Uint32Array(buffer, byteOffset + offset, Half.SIZE / 4);
    this.#view = new DataView(buffer, byteOffset + offset, Half.SIZE);
    this.headers = new Uint8Array(buffer, byteOffset + offset, SLOTS * HEADER);
    const base = memory.address + BigInt(offset);
    const point = (at: number, to: number): void => this.#view.setBigUint64(at, base + BigInt(to), true);
    for (let slot = 0; slot < SLOTS; slot++) {
      const header = slot * HEADER;
      const vector = SLOTS * HEADER + slot * IOVEC;
      point(header, this.#names + slot * NAME);
      point(header + IOV, vector);
      this.#view.setBigUint64(header + IOV_COUNT, 1n, true);
      point(header + CONTROL, this.#controls + slot * CONTROL_SIZE);
      point(vector, this.#data + slot * SLOT);
      this.#view.setBigUint64(vector + 8, BigInt(SLOT), true);
    }
    this.reset();
  }

  /** What the kernel shortens to what it wrote. */
  reset(): void {
    for (let header = 0; header < SLOTS * HEADER; header += HEADER) {
      this.#view.setUint32(header + NAME_LENGTH, NAME, true);
      this.#view.setUint32(header + CONTROL_LENGTH, CONTROL_SIZE, true);
    }
  }

  message(slot: number): Buffer {
    const start = this.#data + slot * SLOT;
    const length = this.#view.getUint32(slot * HEADER + MESSAGE_LENGTH, true);
    return this.#bytes.subarray(start, start + Math.min(length, SLOT));
  }

  sender(slot: number): Sender {
    const name = this.#names + slot * NAME;
    const control = this.#controls + slot * CONTROL_SIZE;
    const header = slot * HEADER;
    return {
      name: this.#bytes.subarray(name, name + this.#view.getUint32(header + NAME_LENGTH, true)),
      control: this.#bytes.subarray(control, control + this.#view.getUint32(header + CONTROL_LENGTH, true)),
    };
  }

  address(slot: number): string {
    const name = this.#names + slot * NAME;
    return this.#bytes.readUInt16LE(name) === native.AF_INET
      ? this.#bytes.toString('latin1', name + 4, name + 8)
      : this.#bytes.toString('latin1', name + 8, name + 24);
  }

  putSender(slot: number, { name, control }: Sender): void {
    this.#bytes.set(name, this.#names + slot * NAME);
    this.#bytes.set(control, this.#controls + slot * CONTROL_SIZE);
    this.#putLengths(slot, name.length, control.length);
  }

  /** The sender in a slot of the other half. Word by word: these are a few, and views of them would cost more. */
  putTo(slot: number, from: Half, fromSlot: number): void {
    const header = (fromSlot * HEADER) >> 2;
    const nameLength = from.#words[header + (NAME_LENGTH >> 2)] ?? 0;
    const controlLength = from.#words[header + (CONTROL_LENGTH >> 2)] ?? 0;
    this.#putWords(from, this.#names + fromSlot * NAME, this.#names + slot * NAME, nameLength);
    const controls = this.#controls;
    this.#putWords(from, controls + fromSlot * CONTROL_SIZE, controls + slot * CONTROL_SIZE, controlLength);
    this.#putLengths(slot, nameLength, controlLength);
  }

  putBytes(slot: number, bytes: Uint8Array): void {
    this.#bytes.set(bytes, this.#data + slot * SLOT);
    this.#words[(SLOTS * HEADER + slot * IOVEC + 8) >> 2] = bytes.length;
  }

  #putWords(from: Half, start: number, to: number, length: number): void {
    for (let at = 0; at < length; at += 4) this.#words[(to + at) >> 2] = from.#words[(start + at) >> 2] ?? 0;
  }

  #putLengths(slot: number, nameLength: number, controlLength: number): void {
    const header = (slot * HEADER) >> 2;
    this.#words[header + (NAME_LENGTH >> 2)] = nameLength;
    this.#words[header + (CONTROL_LENGTH >> 2)] = controlLength;
    if (controlLength > 0) this.#clearInterface(this.#controls + slot * CONTROL_SIZE);
  }

  /** The way out is the routes' affair: only our own address is to be the same. */
  #clearInterface(at: number): void {
    // struct in_pktinfo { int ipi_ifindex; ... }, struct in6_pktinfo { in6_addr; int ipi6_ifindex; }
    const index = this.#view.getUint32(at + 8, true) === SOL_IPV6 ? CMSG + 16 : CMSG;
    this.#view.setUint32(at + index, 0, true);
  }
}
