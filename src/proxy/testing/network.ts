import dgram from 'node:dgram';
import { once } from 'node:events';
import { closeSync } from 'node:fs';
import net from 'node:net';
import { parseCidr, type Cidr } from '#base/cidr.ts';
import { parseIp, type Ip, type IpFamily } from '#base/ip.ts';
import { openConnectSocket, openListenSocket } from '#netlink/listen-socket.ts';
import { createNetns, inNetns } from '#netlink/namespace.ts';
import { RtnetlinkSocket } from '#netlink/rtnetlink-socket.ts';
import { writeSysctl } from '#netlink/sysctl.ts';

export const NODE_ADDRESS = '172.18.0.2';
export const NODE_ADDRESS_6 = 'fd00:18::2';
/** Of the node, as outside clients reach it. */
const UPLINK = { 4: '192.168.0.2', 6: 'fd00:192::2' } as const;
const GATEWAY = { 4: '10.244.0.1', 6: 'fd00:244::1' } as const;
const ALL = { 4: '0.0.0.0', 6: '::' } as const;
/** No answer of these servers takes so long: rather a failure than a test without an end. */
const WAIT_MS = 30_000;

export function ip(text: string): Ip {
  const parsed = parseIp(text);
  if (parsed === undefined) throw new RangeError(`Cannot parse "${text}"`);
  return parsed;
}

export function cidr(text: string): Cidr {
  const parsed = parseCidr(text);
  if (parsed === undefined) throw new RangeError(`Cannot parse "${text}"`);
  return parsed;
}

/**
 * A node and its Pods, each a network namespace of this process, wired as a cluster wires them: a Pod has its address
 * as a /32 and reaches all else through the node.
 */
export class Network implements AsyncDisposable {
  readonly node: number;
  readonly #pods = new Map<string, number>();
  readonly #servers: { close(): unknown }[] = [];

  constructor() {
    this.node = createNetns();
    using rtnetlink = inNetns(this.node, () => RtnetlinkSocket.open());
    rtnetlink.setLink('lo', { up: true });
    rtnetlink.addAddress({ ip: ip(NODE_ADDRESS), prefix: 32, link: 1 });
    rtnetlink.addAddress({ ip: ip(NODE_ADDRESS_6), prefix: 128, link: 1 });
    // A bridge without ports: what no rule translates ends there.
    rtnetlink.createBridge({ name: 'services', up: true, noArp: true });
    const services = rtnetlink.getLink('services')?.index ?? 0;
    for (const range of ['10.96.0.0/12', 'fd00:96::/108']) {
      rtnetlink.addRoute({ destination: cidr(range), link: services });
    }
    inNetns(this.node, () => {
      writeSysctl('net.ipv4.ip_forward', 1);
      writeSysctl('net.ipv4.conf.all.send_redirects', 0);
      // Not for lo: there it would make 127.0.0.1 the source of what the node sends to cluster addresses.
      writeSysctl('net.ipv4.conf.default.route_localnet', 1);
      writeSysctl('net.ipv6.conf.all.forwarding', 1);
      writeSysctl('net.ipv6.conf.default.accept_dad', 0);
    });
  }

  /** A machine outside of the cluster that has the node as its router, and the node it. */
  addOutside(address: string): number {
    const { family } = ip(address);
    const netns = this.#attach(address, UPLINK[family]);
    using rtnetlink = inNetns(this.node, () => RtnetlinkSocket.open());
    const link = rtnetlink.getLink(`pod${this.#pods.size}`)?.index ?? 0;
    rtnetlink.addRoute({ destination: cidr(`${ALL[family]}/0`), gateway: ip(address), link });
    return netns;
  }

  addPod(address: string): number {
    return this.#attach(address, GATEWAY[ip(address).family]);
  }

  #attach(address: string, gateway: string): number {
    const netns = createNetns();
    inNetns(netns, () => writeSysctl('net.ipv6.conf.default.accept_dad', 0));
    this.#pods.set(address, netns);
    const { family } = ip(address);
    const host = family === 4 ? 32 : 128;
    using rtnetlink = inNetns(this.node, () => RtnetlinkSocket.open());
    const name = `pod${this.#pods.size}`;
    rtnetlink.createVeth({ name, up: true, peer: { name: 'eth0', netns } });
    const link = rtnetlink.getLink(name)?.index ?? 0;
    rtnetlink.addAddress({ ip: ip(gateway), prefix: host, link });
    using inside = inNetns(netns, () => RtnetlinkSocket.open());
    inside.setLink('lo', { up: true });
    inside.setLink('eth0', { up: true });
    const eth0 = inside.getLink('eth0')?.index ?? 0;
    inside.addAddress({ ip: ip(address), prefix: host, link: eth0 });
    inside.addRoute({ destination: cidr(`${gateway}/${host}`), link: eth0, scope: 'link' });
    rtnetlink.addRoute({ destination: cidr(`${address}/${host}`), link });
    inside.addRoute({ destination: cidr(`${ALL[family]}/0`), gateway: ip(gateway), link: eth0 });
    return netns;
  }

  /** Answers every line with the Pod's address and the one that the line came from, until the client ends. */
  async serveTcp(pod: string, port: number, netns: number = this.pod(pod)): Promise<void> {
    const { fd } = inNetns(netns, () => openListenSocket({ protocol: 'tcp', address: ip(ALL[ip(pod).family]), port }));
    const server = net.createServer((socket) => {
      socket.on('error', () => {});
      socket.on('data', () => socket.write(`${pod} ${socket.remoteAddress}`));
    });
    this.#servers.push(server);
    server.listen({ fd });
    await once(server, 'listening');
  }

  async serveUdp(pod: string, port: number): Promise<void> {
    const socket = await this.udpSocket(this.pod(pod), port, ip(pod).family);
    socket.on('message', (_, from) => socket.send(`${pod} ${from.address}`, from.port, from.address));
  }

  async udpSocket(netns: number, port: number = 0, family: IpFamily = 4): Promise<dgram.Socket> {
    const { fd } = inNetns(netns, () => openListenSocket({ protocol: 'udp', address: ip(ALL[family]), port }));
    const socket = dgram.createSocket(family === 4 ? 'udp4' : 'udp6');
    this.#servers.push(socket);
    const listening = once(socket, 'listening');
    socket.bind({ fd });
    await listening;
    return socket;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const server of this.#servers) server.close();
    await new Promise((resolve) => setImmediate(resolve));
    for (const fd of [this.node, ...this.#pods.values()]) closeSync(fd);
  }

  /** Its network namespace. */
  pod(address: string): number {
    return this.#pods.get(address) ?? this.addPod(address);
  }
}

/** Connects, sends a line and returns the first answer, or the code of the error. */
export async function askTcp(netns: number, address: string, port: number): Promise<string> {
  const connection = await connectTcp(netns, address, port);
  if (typeof connection === 'string') return connection;
  try {
    return await askAgain(connection);
  } finally {
    connection.destroy();
  }
}

/** The open connection, or the code of the error. */
export async function connectTcp(netns: number, address: string, port: number): Promise<net.Socket | string> {
  const socket = new net.Socket({ fd: inNetns(netns, () => openConnectSocket(ip(address).family)) });
  try {
    const connected = once(socket, 'connect');
    socket.connect({ host: address, port });
    await connected;
    return socket;
  } catch (error) {
    socket.destroy();
    return (error as NodeJS.ErrnoException).code ?? String(error);
  }
}

/** One more line over an open connection. */
export async function askAgain(socket: net.Socket): Promise<string> {
  socket.write('who?');
  const [answer] = (await once(socket, 'data', { signal: AbortSignal.timeout(WAIT_MS) })) as [Buffer];
  return answer.toString();
}

/** Sends a datagram and returns the answer, or the code of the error that comes back for it. */
export async function askUdp(socket: dgram.Socket, address: string, port: number): Promise<string> {
  const answered = once(socket, 'message', { signal: AbortSignal.timeout(WAIT_MS) });
  socket.send('who?', port, address);
  const [answer] = (await answered) as [Buffer];
  return answer.toString();
}

/** Sends a datagram from a connected socket and returns the code of the error that it meets. */
export async function sendConnected(socket: dgram.Socket, address: string, port: number): Promise<string> {
  const connected = once(socket, 'connect');
  socket.connect(port, address);
  await connected;
  return new Promise((resolve) => {
    const fail = (error: NodeJS.ErrnoException | null): void => {
      if (error !== null) resolve(error.code ?? error.message);
    };
    socket.on('error', fail);
    socket.send('who?', fail);
  });
}

/** A socket that has begun to connect; what comes of it is its own business. */
export function beginTcp(netns: number, address: string, port: number): net.Socket {
  const socket = new net.Socket({ fd: inNetns(netns, () => openConnectSocket(ip(address).family)) });
  socket.on('error', () => {});
  return socket.connect({ host: address, port });
}
