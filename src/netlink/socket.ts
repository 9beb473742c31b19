import { closeSync } from 'node:fs';
import { CodedError } from '#base/errors.ts';
import { NLM_F_ACK, NLM_F_DUMP, NLM_F_DUMP_INTR, NLM_F_MULTI, NLMSG_DONE, NLMSG_ERROR } from './message.ts';
import { decodeMessages, type Message } from './message.ts';
import * as native from './native.ts';
import { decodeError, errnoName, type NetlinkError } from './netlink-error.ts';
import { SystemError } from './system-error.ts';

export const NETLINK_ROUTE = 0;
export const NETLINK_NETFILTER = 12;

const SOL_SOCKET = 1;
const SO_SNDBUF = 7;
const SO_RCVBUF = 8;
const SO_SNDBUFFORCE = 32;
const SO_RCVBUFFORCE = 33;
const SOL_NETLINK = 270;
const NETLINK_ADD_MEMBERSHIP = 1;
const NETLINK_CAP_ACK = 10;
const NETLINK_EXT_ACK = 11;
const NETLINK_GET_STRICT_CHK = 12;

const EAGAIN = 11;
const EINTR = 4;
const EMSGSIZE = 90;
const ENOBUFS = 105;

/** Dumps come in pieces of at most 32 KiB, single objects may be larger. */
const RECEIVE_SIZE = 256 * 1024;

export interface NetlinkSocketOptions {
  readonly protocol: number;
  /** Numbers of multicast groups (RTNLGRP_*, NFNLGRP_*) to join. */
  readonly groups?: readonly number[];
  /** Bytes the kernel may hold for us: errors of a batch, notifications. @default 4 MiB */
  readonly receiveBuffer?: number;
  /** The largest batch. Without privilege the kernel caps it at twice net.core.wmem_max. @default 8 MiB */
  readonly sendBuffer?: number;
}

/**
 * A netlink socket of the network namespace that the calling thread is in when it opens it; it stays there when the
 * thread moves on, and may be used from any namespace.
 *
 * Requests are synchronous: the kernel does the work inside of send(2), so that the replies are in the queue when it
 * returns, and waiting for them through the event loop would only cost.
 */
export class NetlinkSocket implements Disposable {
  readonly fd: number;
  readonly protocol: number;
  /** How many bytes may be sent at once: what the kernel granted of `sendBuffer`. */
  readonly sendLimit: number;
  #buffer: Uint8Array = new Uint8Array(RECEIVE_SIZE);
  #closed = false;

  private constructor(fd: number, protocol: number) {
    this.fd = fd;
    this.protocol = protocol;
    // netlink_sendmsg(): if (len > sk->sk_sndbuf - 32) return -EMSGSIZE;
    this.sendLimit = native.getsockopt(fd, SOL_SOCKET, SO_SNDBUF) - 32;
  }

  static open(options: NetlinkSocketOptions): NetlinkSocket {
    const fd = native.socket(native.AF_NETLINK, native.SOCK_RAW | native.SOCK_NONBLOCK, options.protocol);
    try {
      setBuffer(fd, SO_SNDBUFFORCE, SO_SNDBUF, options.sendBuffer ?? 8 << 20);
      setBuffer(fd, SO_RCVBUFFORCE, SO_RCVBUF, options.receiveBuffer ?? 4 << 20);
      native.setsockopt(fd, SOL_NETLINK, NETLINK_EXT_ACK, 1);
      // Without it every error carries the whole request back, and a failed batch overflows the queue.
      native.setsockopt(fd, SOL_NETLINK, NETLINK_CAP_ACK, 1);
      if (options.protocol === NETLINK_ROUTE) native.setsockopt(fd, SOL_NETLINK, NETLINK_GET_STRICT_CHK, 1);
      // struct sockaddr_nl { sa_family_t family; __u16 pad; __u32 pid; __u32 groups; }: the kernel picks the pid.
      native.bind(fd, new Uint8Array([native.AF_NETLINK, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0]), 'netlink');
      for (const group of options.groups ?? []) native.setsockopt(fd, SOL_NETLINK, NETLINK_ADD_MEMBERSHIP, group);
    } catch (error) {
      closeSync(fd);
      throw error;
    }
    return new NetlinkSocket(fd, options.protocol);
  }

  /** Takes over a socket that another thread opened and hands over: threads share the table of descriptors. */
  static adopt(fd: number, protocol: number): NetlinkSocket {
    return new NetlinkSocket(fd, protocol);
  }

  /**
   * Sends requests that each ask for an acknowledgement (NLM_F_ACK) or a dump (NLM_F_DUMP), and returns what they
   * brought besides acknowledgements. Throws the first error, whose message says "Cannot" and then `action`.
   */
  requestSync(requests: Uint8Array, action?: string): Message[] {
    for (let attempt = 1; ; attempt++) {
      const outcome = this.#exchange(requests, action);
      const error = outcome.errors[0];
      if (error !== undefined) throw error;
      if (outcome.answers === 0 && wantsAnswer(requests)) {
        throw new CodedError('ERR_NETLINK_NO_ANSWER', 'Cannot complete netlink request: the kernel did not answer');
      }
      if (!outcome.interrupted) return outcome.messages;
      if (attempt === MAX_ATTEMPTS) {
        throw new CodedError('ERR_NETLINK_INTERRUPTED', `Cannot dump: the table changed during ${attempt} attempts`);
      }
    }
  }

  /**
   * Sends a batch of which only some messages, or none, ask for an answer, and returns all errors, in the order in
   * which the kernel found them, instead of throwing the first.
   */
  batchSync(batch: Uint8Array): { readonly messages: readonly Message[]; readonly errors: readonly NetlinkError[] } {
    return this.#exchange(batch);
  }

  /** Empties the queue; for multicast groups. Throws `ENOBUFS` when notifications were lost: read the state anew. */
  receiveSync(): Message[] {
    const messages: Message[] = [];
    this.#drain((datagram) => {
      for (const message of decodeMessages(datagram)) messages.push(message);
    });
    return messages;
  }

  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    closeSync(this.fd);
  }

  [Symbol.dispose](): void {
    this.close();
  }

  #exchange(requests: Uint8Array, action?: string): Outcome {
    if (this.#closed) throw new CodedError('ERR_NETLINK_CLOSED', 'Cannot send netlink request: the socket is closed');
    const outcome: Outcome = { messages: [], errors: [], answers: 0, interrupted: false };
    native.send(this.fd, requests);
    this.#drain((datagram) => {
      for (const message of decodeMessages(datagram)) take(message, outcome, action);
    });
    return outcome;
  }

  /**
   * Hands over copies of all datagrams in the queue. It always empties the queue: the next request must not find
   * answers of this one, and after an overrun the kernel stays silent about further losses until nothing is left.
   */
  #drain(visit: (datagram: Uint8Array) => void): void {
    let failed: Error | undefined;
    for (;;) {
      // MSG_TRUNC makes the kernel return the real length even where the buffer was too small.
      const length = native.recv(this.fd, this.#buffer, native.MSG_TRUNC);
      if (length === -EAGAIN) break;
      if (length === -EINTR) continue;
      if (length === -ENOBUFS) {
        failed ??= new SystemError('receive from netlink, messages were lost', ENOBUFS);
      } else if (length < 0) {
        throw new SystemError('receive from netlink', -length);
      } else if (length > this.#buffer.length) {
        failed ??= new SystemError(`receive a netlink datagram of ${length} bytes`, EMSGSIZE);
        this.#buffer = new Uint8Array(length * 2);
      } else if (failed === undefined) {
        visit(this.#buffer.slice(0, length));
      }
    }
    if (failed !== undefined) throw failed;
  }
}

const MAX_ATTEMPTS = 10;

interface Outcome {
  readonly messages: Message[];
  readonly errors: NetlinkError[];
  answers: number;
  interrupted: boolean;
}

function take(message: Message, outcome: Outcome, action: string | undefined): void {
  if ((message.flags & NLM_F_MULTI) !== 0 && (message.flags & NLM_F_DUMP_INTR) !== 0) outcome.interrupted = true;
  outcome.answers++;
  if (message.type === NLMSG_ERROR || message.type === NLMSG_DONE) {
    const error = decodeError(message, action);
    if (error !== undefined) outcome.errors.push(error);
    return;
  }
  outcome.messages.push(message);
}

function wantsAnswer(requests: Uint8Array): boolean {
  const flags = (requests[6] ?? 0) | ((requests[7] ?? 0) << 8);
  return (flags & NLM_F_ACK) !== 0 || (flags & NLM_F_DUMP) === NLM_F_DUMP;
}

/** SO_*BUFFORCE needs CAP_NET_ADMIN in the initial user namespace; the plain option is capped but always allowed. */
function setBuffer(fd: number, force: number, plain: number, bytes: number): void {
  try {
    native.setsockopt(fd, SOL_SOCKET, force, bytes);
  } catch (error) {
    if (!(error instanceof SystemError) || error.code !== errnoName(1)) throw error;
    native.setsockopt(fd, SOL_SOCKET, plain, bytes);
  }
}
