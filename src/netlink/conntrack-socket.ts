import { errorCode } from '#base/errors.ts';
import type { IpFamily } from '#base/ip.ts';
import {
  decodeConntrack,
  encodeDeleteConntrack,
  encodeListConntrack,
  isMatch,
  type ConntrackEntry,
  type ConntrackFilter,
} from './conntrack.ts';
import { MessageEncoder } from './encoder.ts';
import { NETLINK_NETFILTER, NetlinkSocket } from './socket.ts';

/** The connection table of the network namespace in which it was opened. */
export class ConntrackSocket implements Disposable {
  readonly #socket: NetlinkSocket;
  readonly #encoder = new MessageEncoder();

  constructor(socket: NetlinkSocket) {
    this.#socket = socket;
  }

  static open(): ConntrackSocket {
    return new ConntrackSocket(NetlinkSocket.open({ protocol: NETLINK_NETFILTER, sendBuffer: 1 << 20 }));
  }

  list(family: IpFamily, filter: ConntrackFilter = {}): ConntrackEntry[] {
    this.#encoder.reset();
    encodeListConntrack(this.#encoder, family, filter);
    const replies = this.#socket.requestSync(this.#encoder.finish());
    const entries = replies.flatMap(({ payload }) => decodeConntrack(payload) ?? []);
    return entries.filter((entry) => isMatch(entry, filter));
  }

  /** Deletes the entries and returns how many were still there. */
  delete(entries: readonly ConntrackEntry[]): number {
    let deleted = 0;
    for (let at = 0; at < entries.length; at += BATCH) {
      const some = entries.slice(at, at + BATCH);
      this.#encoder.reset();
      for (const entry of some) encodeDeleteConntrack(this.#encoder, entry);
      const { errors } = this.#socket.batchSync(this.#encoder.finish());
      const error = errors.find((other) => errorCode(other) !== 'ENOENT');
      if (error !== undefined) throw error;
      deleted += some.length - errors.length;
    }
    return deleted;
  }

  close(): void {
    this.#socket.close();
  }

  [Symbol.dispose](): void {
    this.close();
  }
}

/** 120 bytes each, all acknowledged: far below what an unprivileged socket may send and hold. */
const BATCH = 500;
