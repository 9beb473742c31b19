import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import process from 'node:process';
import { createInterface } from 'node:readline';

/** A script of Python in a network namespace: for packets that no socket of ours sends. Killed when disposed. */
export class RawScript implements Disposable {
  readonly #child: ChildProcess;
  readonly #lines: AsyncIterator<string>;

  constructor(netns: number, script: string, ...args: readonly (string | number)[]) {
    const command = ['--net=/proc/self/fd/3', 'python3', '-c', script, ...args.map(String)];
    this.#child = spawn('nsenter', command, { stdio: ['ignore', 'pipe', 'inherit', netns] });
    const { stdout } = this.#child;
    if (stdout === null) throw new Error('Cannot read what the script says');
    this.#lines = createInterface({ input: stdout })[Symbol.asyncIterator]();
  }

  /** The next line that it prints; empty when it has ended. */
  async line(): Promise<string> {
    const { value, done } = await this.#lines.next();
    return done === true ? '' : value;
  }

  async ended(): Promise<void> {
    if (this.#child.exitCode === null && this.#child.signalCode === null) await once(this.#child, 'exit');
  }

  [Symbol.dispose](): void {
    if (this.#child.pid !== undefined && this.#child.exitCode === null) process.kill(this.#child.pid, 'SIGKILL');
  }
}

const SCTP = `
import socket, struct, sys
def crc32c(data):
    crc = 0xffffffff
    for byte in data:
        crc ^= byte
        for _ in range(8): crc = (crc >> 1) ^ (0x82f63b78 if crc & 1 else 0)
    return crc ^ 0xffffffff
def packet(sport, dport, tag, kind, init_tag):
    chunk = struct.pack('!BBHIIHHI', kind, 0, 20, init_tag, 65536, 1, 1, 1)
    head = struct.pack('!HHI', sport, dport, tag)
    return head + struct.pack('<I', crc32c(head + bytes(4) + chunk)) + chunk
six = ':' in sys.argv[1]
raw = socket.socket(socket.AF_INET6 if six else socket.AF_INET, socket.SOCK_RAW, 132)
def receive():
    data, source = raw.recvfrom(2048)
    # Only of IPv4 the header comes with it.
    body = data if six else data[(data[0] & 15) * 4:]
    return source[0], *struct.unpack('!HHI', body[:8]), body[12], struct.unpack('!I', body[16:20])[0]
`;

/** Answers the INIT of each client with an INIT ACK, as a Pod that serves SCTP would; says who came, to which port. */
export const SCTP_SERVER: string = `${SCTP}
print('listening', flush=True)
while True:
    source, sport, dport, tag, kind, init_tag = receive()
    if kind != 1: continue
    print(f'{source} {dport}', flush=True)
    raw.sendto(packet(dport, sport, init_tag, 2, 7), (source, 0))
`;

/** Sends an INIT from a port of its own and says from where the INIT ACK comes: address, port, `to me`. */
export const SCTP_CLIENT: string = `${SCTP}
address, port, own = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])
raw.sendto(packet(own, port, 0, 1, 42), (address, 0))
while True:
    source, sport, dport, tag, kind, _ = receive()
    if kind == 2 and tag == 42:
        print(source, sport, 'to me' if dport == own else dport, flush=True)
        break
`;

/**
 * In the Pod's network: waits for data of a client to a port, and sends the client a packet that is far outside of the window,
 * so that it belongs to no connection; a client that got it from the Pod's own address would answer with a reset that ends
 * the connection.
 */
export const STRAY_PACKET: string = `
import socket, struct, sys
pod, port = sys.argv[1], int(sys.argv[2])
sniff = socket.socket(socket.AF_PACKET, socket.SOCK_DGRAM, socket.htons(0x0800))
print('listening', flush=True)
while True:
    data = sniff.recv(2048)
    start = (data[0] & 15) * 4
    sport, dport, seq, ack, offset = struct.unpack('!HHIIB', data[start:start + 13])
    length = struct.unpack('!H', data[2:4])[0] - start - (offset >> 4) * 4
    if data[9] == 6 and dport == port and length > 0: break
source, target = data[16:20], data[12:16]
def checksum(data):
    total = sum(struct.unpack(f'!{len(data) // 2}H', data))
    while total >> 16: total = (total & 0xffff) + (total >> 16)
    return ~total & 0xffff
def segment(check):
    return struct.pack('!HHIIBBHHH', port, sport, (ack + 0x10000000) & 0xffffffff, (seq + length) & 0xffffffff, 0x50, 0x10, 1024, check, 0)
check = checksum(source + target + struct.pack('!BBH', 0, 6, 20) + segment(0))
raw = socket.socket(socket.AF_INET, socket.SOCK_RAW, socket.IPPROTO_TCP)
raw.sendto(segment(check), (socket.inet_ntoa(target), 0))
print('sent', flush=True)
`;
