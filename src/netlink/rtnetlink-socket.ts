import { errorCode } from '#base/errors.ts';
import { formatIp, type IpFamily } from '#base/ip.ts';
import * as address from './address.ts';
import { MessageEncoder } from './encoder.ts';
import * as link from './link.ts';
import type { Message } from './message.ts';
import * as neighbor from './neighbor.ts';
import * as route from './route.ts';
import { NETLINK_ROUTE, NetlinkSocket } from './socket.ts';

/** Links, addresses, routes and neighbours of the network namespace in which it was opened. */
export class RtnetlinkSocket implements Disposable {
  readonly #socket: NetlinkSocket;
  readonly #encoder = new MessageEncoder();

  private constructor(socket: NetlinkSocket) {
    this.#socket = socket;
  }

  static open(): RtnetlinkSocket {
    return new RtnetlinkSocket(
      NetlinkSocket.open({ protocol: NETLINK_ROUTE, sendBuffer: 256 << 10, receiveBuffer: 1 << 20 }),
    );
  }

  /**
   * Sends all that `encode` wrote in one system call. The kernel executes the requests in order and goes on after a
   * failed one; the first error is thrown.
   */
  change(encode: (encoder: MessageEncoder) => void, action?: string): void {
    this.#request(encode, action);
  }

  createVeth(spec: link.VethSpec): void {
    this.change(
      (encoder) => link.encodeCreateVeth(encoder, spec),
      `create link ${quote(spec.name)} with peer ${quote(spec.peer.name)}`,
    );
  }

  createBridge(spec: link.BridgeSpec): void {
    this.change((encoder) => link.encodeCreateBridge(encoder, spec), `create bridge ${quote(spec.name)}`);
  }

  setLink(ref: link.LinkRef, changes: link.LinkSettings & { readonly name?: string }): void {
    this.change((encoder) => link.encodeSetLink(encoder, ref, changes), `change link ${quote(ref)}`);
  }

  /** Throws `ENODEV` when there is none. */
  deleteLink(ref: link.LinkRef): void {
    this.change((encoder) => link.encodeDeleteLink(encoder, ref), `delete link ${quote(ref)}`);
  }

  getLink(ref: link.LinkRef): link.Link | undefined {
    try {
      const reply = this.#request((encoder) => link.encodeGetLink(encoder, ref))[0];
      return reply === undefined ? undefined : link.decodeLink(reply.payload);
    } catch (error) {
      if (errorCode(error) === 'ENODEV') return undefined;
      throw error;
    }
  }

  listLinks(): link.Link[] {
    return this.#request(link.encodeListLinks).map(({ payload }) => link.decodeLink(payload));
  }

  addAddress(spec: address.AddressSpec): void {
    this.change(
      (encoder) => address.encodeAddAddress(encoder, spec),
      `add address ${address.formatAddress(spec)} to link ${spec.link}`,
    );
  }

  deleteAddress(spec: address.AddressSpec): void {
    this.change(
      (encoder) => address.encodeDeleteAddress(encoder, spec),
      `delete address ${address.formatAddress(spec)} from link ${spec.link}`,
    );
  }

  listAddresses(family?: IpFamily): address.InterfaceAddress[] {
    const replies = this.#request((encoder) => address.encodeListAddresses(encoder, family));
    return replies.flatMap(({ payload }) => address.decodeAddress(payload) ?? []);
  }

  addRoute(spec: route.RouteSpec): void {
    this.change((encoder) => route.encodeAddRoute(encoder, spec), `add route ${route.formatRoute(spec)}`);
  }

  replaceRoute(spec: route.RouteSpec): void {
    this.change((encoder) => route.encodeReplaceRoute(encoder, spec), `replace route ${route.formatRoute(spec)}`);
  }

  /** Throws `ESRCH` when there is none. */
  deleteRoute(spec: route.RouteSpec): void {
    this.change((encoder) => route.encodeDeleteRoute(encoder, spec), `delete route ${route.formatRoute(spec)}`);
  }

  /** `table` 0 lists all tables. */
  listRoutes(family: IpFamily, table: number = route.RT_TABLE_MAIN): route.Route[] {
    try {
      const replies = this.#request((encoder) => route.encodeListRoutes(encoder, family, table));
      return replies.flatMap(({ payload }) => route.decodeRoute(payload) ?? []);
    } catch (error) {
      // A table that never held a route does not exist.
      if (errorCode(error) === 'ENOENT') return [];
      throw error;
    }
  }

  replaceNeighbor(spec: neighbor.NeighborSpec): void {
    this.change(
      (encoder) => neighbor.encodeReplaceNeighbor(encoder, spec),
      `set neighbour ${formatIp(spec.ip)} on link ${spec.link}`,
    );
  }

  deleteNeighbor(spec: Pick<neighbor.NeighborSpec, 'ip' | 'link'>): void {
    this.change(
      (encoder) => neighbor.encodeDeleteNeighbor(encoder, spec),
      `delete neighbour ${formatIp(spec.ip)} from link ${spec.link}`,
    );
  }

  listNeighbors(family: IpFamily, linkIndex?: number): neighbor.Neighbor[] {
    const replies = this.#request((encoder) => neighbor.encodeListNeighbors(encoder, family, linkIndex));
    return replies.flatMap(({ payload }) => neighbor.decodeNeighbor(payload) ?? []);
  }

  close(): void {
    this.#socket.close();
  }

  [Symbol.dispose](): void {
    this.close();
  }

  #request(encode: (encoder: MessageEncoder) => void, action?: string): Message[] {
    return this.#socket.requestSync(this.#encode(encode), action);
  }

  #encode(encode: (encoder: MessageEncoder) => void): Uint8Array {
    this.#encoder.reset();
    encode(this.#encoder);
    return this.#encoder.finish();
  }
}

const quote = (ref: link.LinkRef): string => JSON.stringify(ref);
