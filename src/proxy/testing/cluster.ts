import assert from 'node:assert/strict';
import { systemClock } from '#base/clock.ts';
import { silentLog } from '#base/log.ts';
import { ConntrackSocket } from '#netlink/conntrack-socket.ts';
import { inNetns } from '#netlink/namespace.ts';
import { NftablesSocket } from '#nftables/nftables-socket.ts';
import { Proxy, type ObjectChange, type ProxyOptions } from '../sync.ts';
import { iptablesOptions, type Mode } from './mode.ts';
import { cidr, Network } from './network.ts';

export const CLIENT = '10.244.0.10';

/** A proxy on a network of its own, with a Pod to ask from. */
export class Cluster implements AsyncDisposable {
  readonly network: Network = new Network();
  readonly client: number;
  readonly options: ProxyOptions;
  proxy: Proxy;
  readonly #socket: NftablesSocket;
  readonly #conntrack: ConntrackSocket;

  /** Resolves when its first rules are in the kernel. */
  static async start(mode: Mode, options: Partial<ProxyOptions> = {}): Promise<Cluster> {
    const cluster = new Cluster(mode, options);
    await cluster.proxy.settled();
    return cluster;
  }

  private constructor(mode: Mode, options: Partial<ProxyOptions>) {
    this.client = this.network.addPod(CLIENT);
    this.#socket = inNetns(this.network.node, () => NftablesSocket.open());
    this.#conntrack = inNetns(this.network.node, () => ConntrackSocket.open());
    this.options = {
      nodeName: 'a',
      socket: this.#socket,
      iptables: iptablesOptions(mode, this.network.node),
      conntrack: this.#conntrack,
      serviceCidrs: [cidr('10.96.0.0/12')],
      clock: systemClock,
      log: { ...silentLog, error: (message, fields) => assert.fail(`${message} ${JSON.stringify(fields)}`) },
      ...options,
    };
    this.proxy = new Proxy(this.options);
    this.proxy.start();
  }

  /** Resolves when the rules are in the kernel. */
  async set(...objects: readonly ObjectChange['object'][]): Promise<void> {
    this.proxy.apply(objects.map((object) => ({ kind: 'set', object })));
    await this.proxy.settled();
  }

  async delete(...objects: readonly ObjectChange['object'][]): Promise<void> {
    this.proxy.apply(objects.map((object) => ({ kind: 'delete', object })));
    await this.proxy.settled();
  }

  /** The proxy of this node ends, and another one takes over that knows these objects. */
  async restart(...objects: readonly ObjectChange['object'][]): Promise<void> {
    this.proxy[Symbol.dispose]();
    this.proxy = new Proxy(this.options);
    for (const object of objects) this.proxy.note({ kind: 'set', object });
    this.proxy.start();
    await this.proxy.settled();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.proxy[Symbol.dispose]();
    this.#socket[Symbol.dispose]();
    this.#conntrack.close();
    await this.network[Symbol.asyncDispose]();
  }
}
