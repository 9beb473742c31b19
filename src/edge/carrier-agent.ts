import { closeSync } from 'node:fs';
import type { Clock } from '#base/clock.ts';
import { errorCode, errorMessage } from '#base/errors.ts';
import { parseIp } from '#base/ip.ts';
import { RT_TABLE_LOCAL } from '#netlink/route.ts';
import { RtnetlinkSocket } from '#netlink/rtnetlink-socket.ts';
import { NO_PORT, type FromCarrier, type ToCarrier } from './carrier-message.ts';
import { carryTcp } from './tcp-carrier-server.ts';
import { type Carrier, UdpCarrier } from './udp-carrier-server.ts';

/**
 * Carries what comes to sockets of the host into the network that the calling thread is in: sockets that are handed over
 * stay where they were bound, and those that are made here are here.
 */
export class CarrierAgent {
  readonly #clock: Clock;
  readonly #tell: (message: FromCarrier) => void;
  readonly #carriers = new Map<number, Carrier>();
  readonly #rtnetlink = RtnetlinkSocket.open();

  constructor(clock: Clock, tell: (message: FromCarrier) => void) {
    this.#clock = clock;
    this.#tell = tell;
  }

  take(message: ToCarrier): void {
    if (message.kind === 'open') this.#open(message);
    else if (message.kind === 'aim') this.#carriers.get(message.id)?.aim(message.targets);
    else if (message.kind === 'close') this.#close(message.id);
    else this.#tryRoute(message.address, message.via);
  }

  #open({ id, protocol, family, fd, targets }: Extract<ToCarrier, { kind: 'open' }>): void {
    const failed = (error: unknown): void => {
      this.#close(id);
      this.#tell({ kind: 'failed', id, code: errorCode(error) ?? 'EFAILED', message: errorMessage(error) });
    };
    try {
      if (protocol === 'tcp') this.#carriers.set(id, carryTcp(fd, targets, failed));
      else {
        const carrier = new UdpCarrier(targets, this.#clock);
        this.#carriers.set(id, carrier);
        carrier.open(fd, family, failed);
      }
    } catch (error) {
      closeSync(fd);
      failed(error);
    }
  }

  #close(id: number): void {
    this.#carriers.get(id)?.close();
    this.#carriers.delete(id);
  }

  /** A node may state an address that leads nowhere. */
  #tryRoute(address: string, via: string): void {
    try {
      this.#route(address, via);
    } catch (error) {
      this.#tell({ kind: 'failed', id: NO_PORT, code: errorCode(error) ?? 'EFAILED', message: errorMessage(error) });
    }
  }

  /** Before the machine's own addresses, which all of 127.0.0.0/8 are. */
  #route(address: string, via: string): void {
    const ip = parseIp(address);
    const gateway = parseIp(via);
    if (ip === undefined || gateway === undefined) return;
    const destination = { family: ip.family, base: ip.value, prefix: ip.family === 4 ? 32 : 128 };
    this.#rtnetlink.replaceRoute({ destination, gateway, table: RT_TABLE_LOCAL });
  }
}
