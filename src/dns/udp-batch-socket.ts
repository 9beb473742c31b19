import { closeSync } from 'node:fs';
import { formatIp, ipFromBytes, parseIp } from '#base/ip.ts';
import { DatagramBatch, type Sender } from '#netlink/datagram-batch.ts';
import { openListenSocket } from '#netlink/listen-socket.ts';
import { watchReadable } from '#netlink/readable.ts';

export type OnQuery = (bytes: Buffer, client: string, send: Send) => void;
export type Send = (answer: Uint8Array) => void;

/** Batches in a row before others get their turn. */
const MAX_BATCHES = 4;
const MAX_TEXTS = 4096;

/** Opens what `serveBatches` serves; an empty host is all addresses of both families. */
export function openUdpSocket(host: string, port: number): number {
  const address = parseIp(host);
  if (address === undefined) throw new RangeError(`Cannot listen on "${host}": it is not an address`);
  return openListenSocket({ protocol: 'udp', address, port, bothFamilies: host === '::' }).fd;
}

/**
 * Serves a bound UDP socket with many datagrams a system call: that costs half of what one each does. The socket is closed
 * in the end.
 */
export function serveBatches(fd: number, query: OnQuery): Disposable {
  DatagramBatch.wantLocalAddress(fd);
  const batch = new DatagramBatch(fd);
  const text = addressTexts();
  const drain = (): void => {
    for (let i = 0; i < MAX_BATCHES; i++) {
      const count = batch.receive();
      for (let slot = 0; slot < count; slot++) answer(batch, slot, text(batch.address(slot)), query);
      batch.flush();
      if (count < DatagramBatch.SLOTS) return;
    }
  };
  const watching = watchReadable(fd, drain);
  return {
    [Symbol.dispose]() {
      watching[Symbol.dispose]();
      // Before the number may be that of another descriptor.
      batch.close();
      closeSync(fd);
    },
  };
}

/** What is answered at once leaves with the batch; what takes longer, by itself. */
function answer(batch: DatagramBatch, slot: number, client: string, query: OnQuery): void {
  let late: Sender | undefined;
  let sent = false;
  query(batch.message(slot), client, (bytes) => {
    sent = true;
    batch.reply(late ?? slot, bytes);
    if (late !== undefined) batch.flush();
  });
  if (!sent) late = batch.sender(slot);
}

/** Addresses as text: few clients ask most of the questions. */
function addressTexts(): (bytes: string) => string {
  let texts = new Map<string, string>();
  return (bytes) => {
    const known = texts.get(bytes);
    if (known !== undefined) return known;
    if (texts.size >= MAX_TEXTS) texts = new Map();
    const made = formatIp(ipFromBytes(Buffer.from(bytes, 'latin1')));
    texts.set(bytes, made);
    return made;
  };
}
