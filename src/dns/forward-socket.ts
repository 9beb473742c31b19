import { randomInt } from 'node:crypto';
import { createSocket } from 'node:dgram';
import { connect } from 'node:net';
import { decode, encode, RECURSION_DESIRED, type Answer as WireRecord } from 'dns-packet';
import { type Clock } from '#base/clock.ts';
import { CodedError } from '#base/errors.ts';

export interface Forwarder {
  /** The upstream's answer to these bytes, with the id of the query. Rejects when nobody answers. */
  forward(query: Buffer, transport: 'udp' | 'tcp'): Promise<Uint8Array>;
  /** The records that the upstreams have for a name. */
  lookup(name: string, type: string): Promise<readonly WireRecord[]>;
}

export interface ForwarderOptions {
  /** `10.0.0.1` or `10.0.0.1:5353`, asked in this order. */
  readonly upstreams: readonly string[];
  readonly clock: Clock;
  /** For each upstream, ms. @default 2000 */
  readonly timeoutMs?: number;
}

/** Asks the upstreams one after the other, each with a socket (and so a source port) of its own. */
export function createForwarder({ upstreams, clock, timeoutMs = 2000 }: ForwarderOptions): Forwarder {
  const servers = upstreams.map(parseServer);
  const forward = async (query: Buffer, transport: 'udp' | 'tcp'): Promise<Uint8Array> => {
    const question = Buffer.from(query);
    const id = question.readUInt16BE(0);
    // A number that only the upstream sees: the client's cannot be guessed from it.
    question.writeUInt16BE(randomInt(0x1_0000), 0);
    for (const server of servers) {
      const ask = transport === 'udp' ? askUdp : askTcp;
      const answer = await ask(server, question, clock, timeoutMs).catch(() => undefined);
      if (answer === undefined) continue;
      answer.writeUInt16BE(id, 0);
      return answer;
    }
    throw new CodedError('ENOUPSTREAM', 'Cannot resolve a name outside of the cluster: no upstream server answers');
  };
  return {
    forward,
    async lookup(name, type) {
      const packet = {
        type: 'query',
        id: 0,
        flags: RECURSION_DESIRED,
        questions: [{ name, type: type as 'A' }],
      } as const;
      const answer = decode(Buffer.from(await forward(encode({ ...packet, questions: [...packet.questions] }), 'udp')));
      return answer.answers ?? [];
    },
  };
}

interface Server {
  readonly host: string;
  readonly port: number;
}

function parseServer(text: string): Server {
  const match = /^(?:\[(.+)\]|([^:]+))(?::(\d+))?$/.exec(text);
  const host = match?.[1] ?? match?.[2] ?? text;
  return { host, port: Number(match?.[3] ?? 53) };
}

function askUdp(server: Server, query: Buffer, clock: Clock, timeoutMs: number): Promise<Buffer> {
  return new Promise((resolve, reject) => {
    const socket = createSocket({ type: server.host.includes(':') ? 'udp6' : 'udp4', lookup: literal });
    const timer = clock.after(timeoutMs, () => finish(new CodedError('ETIMEDOUT', `Cannot reach ${server.host}`)));
    const finish = (result: Buffer | Error): void => {
      timer[Symbol.dispose]();
      socket.removeAllListeners();
      socket.on('error', () => {});
      socket.close();
      if (result instanceof Error) reject(result);
      else resolve(result);
    };
    socket.once('error', finish);
    socket.on('message', (answer, from) => {
      // Anybody may send to this port: only the answer to our question from whom we asked counts.
      if (from.port === server.port && answer.length >= 12 && answer.readUInt16BE(0) === query.readUInt16BE(0))
        finish(answer);
    });
    socket.send(query, server.port, server.host);
  });
}

function askTcp(server: Server, query: Buffer, clock: Clock, timeoutMs: number): Promise<Buffer> {
  return new Promise((resolve, reject) => {
    const socket = connect({ host: server.host, port: server.port });
    const timer = clock.after(timeoutMs, () => finish(new CodedError('ETIMEDOUT', `Cannot reach ${server.host}`)));
    let received = Buffer.alloc(0);
    const finish = (result: Buffer | Error): void => {
      timer[Symbol.dispose]();
      socket.destroy();
      if (result instanceof Error) reject(result);
      else resolve(result);
    };
    socket.once('error', finish);
    socket.once('close', () => finish(new CodedError('ECONNRESET', `Cannot read an answer of ${server.host}`)));
    socket.on('data', (chunk: Buffer) => {
      received = Buffer.concat([received, chunk]);
      const length = received.length < 2 ? undefined : received.readUInt16BE(0);
      if (length !== undefined && received.length >= length + 2) finish(received.subarray(2, length + 2));
    });
    const prefix = Buffer.alloc(2);
    prefix.writeUInt16BE(query.length);
    socket.write(Buffer.concat([prefix, query]));
  });
}

/** Addresses need no look-up, and the pool thread that would do one is not worth waking. */
function literal(
  host: string,
  _options: unknown,
  done: (error: NodeJS.ErrnoException | null, address: string, family: number) => void,
): void {
  done(null, host, host.includes(':') ? 6 : 4);
}
