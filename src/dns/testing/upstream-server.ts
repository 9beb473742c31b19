/** A name server on the loopback for tests, over UDP and TCP on one port, that says what the test tells it to. */
import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { createServer } from 'node:net';
import { decode, encode, type Answer, type DecodedPacket } from 'dns-packet';

export interface Said {
  readonly answers?: readonly Answer[];
  readonly authorities?: readonly Answer[];
  readonly rcode?: number;
  readonly truncated?: boolean;
}

export interface UpstreamServer extends AsyncDisposable {
  readonly address: string;
  /** `NAME TYPE transport`, without the checks for loops. */
  readonly asked: string[];
}

/** `say` gives undefined for silence. */
export async function upstreamServer(
  say: (name: string, transport: 'udp' | 'tcp', packet: DecodedPacket) => Said | Buffer | undefined,
): Promise<UpstreamServer> {
  const asked: string[] = [];
  const respond = (bytes: Buffer, transport: 'udp' | 'tcp'): Buffer | undefined => {
    const packet = decode(bytes);
    const [question] = packet.questions ?? [];
    if (question === undefined) return undefined;
    const isCheck = question.name.endsWith('clusterip-loop.internal');
    if (!isCheck) asked.push(`${question.name} ${question.type} ${transport}`);
    const said = isCheck ? { rcode: 3 } : say(question.name, transport, packet);
    if (said === undefined || Buffer.isBuffer(said)) return said;
    return encode({
      type: 'response',
      id: packet.id ?? 0,
      flags: 0x180 | (said.rcode ?? 0) | (said.truncated === true ? 0x200 : 0),
      questions: [question],
      answers: [...(said.answers ?? [])],
      authorities: [...(said.authorities ?? [])],
    });
  };
  const tcp = createServer((socket) => {
    socket.on('error', () => socket.destroy());
    socket.on('data', (chunk) => {
      const answer = respond((chunk as Buffer).subarray(2), 'tcp');
      if (answer === undefined) return;
      const prefix = Buffer.alloc(2);
      prefix.writeUInt16BE(answer.length);
      socket.end(Buffer.concat([prefix, answer]));
    });
  });
  tcp.listen(0, '127.0.0.1');
  await once(tcp, 'listening');
  const address = tcp.address();
  const port = typeof address === 'object' && address !== null ? address.port : 0;
  const udp = createSocket('udp4');
  udp.bind(port, '127.0.0.1');
  await once(udp, 'listening');
  udp.on('message', (bytes, peer) => {
    const answer = respond(bytes, 'udp');
    if (answer !== undefined) udp.send(answer, peer.port, peer.address);
  });
  return {
    address: `127.0.0.1:${port}`,
    asked,
    async [Symbol.asyncDispose]() {
      udp.close();
      await new Promise((resolve) => tcp.close(resolve));
    },
  };
}

export function a(name: string, data: string, ttl = 60): Answer {
  return { type: 'A', name, ttl, data };
}

export function soa(name: string, ttl: number, minimum: number): Answer {
  const data = { mname: 'ns', rname: 'hm', serial: 1, refresh: 1, retry: 1, expire: 1, minimum };
  return { type: 'SOA', name, ttl, data };
}
