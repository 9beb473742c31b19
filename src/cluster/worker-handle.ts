import { MessageChannel, MessagePort, Worker } from 'node:worker_threads';
import type { LogSink } from '#base/log.ts';
import type { ControlReply } from './control.ts';
import { errorOfFailure } from './control-socket.ts';
import type { FromWorker } from './worker-message.ts';

type Kind = FromWorker['kind'];

/** A worker thread of the daemon as the main thread sees it. */
export class WorkerHandle<In> {
  readonly name: string;
  readonly #worker: Worker;
  readonly #waiting = new Map<Kind, ((message: FromWorker) => void)[]>();
  readonly #seen = new Map<Kind, FromWorker>();
  readonly #failure: Promise<never>;
  readonly #calls = new Map<number, (reply: ControlReply) => void>();
  #lastCall = 0;
  #terminated = false;

  constructor(name: string, file: URL, data: { readonly api: MessagePort }, log: LogSink) {
    this.name = name;
    this.#worker = new Worker(file, {
      name,
      workerData: data,
      transferList: Object.values<unknown>(data).filter((value) => value instanceof MessagePort),
      // Descriptors go from one thread to another, and libuv closes what this thread has not opened.
      trackUnmanagedFds: false,
    });
    this.#failure = new Promise((_, reject) => {
      this.#worker.once('error', reject);
      this.#worker.once('exit', (code) => {
        if (!this.#terminated) reject(new Error(`${name}: the worker ended with code ${code}`));
      });
      this.#worker.on('message', (message: FromWorker) => {
        if (message.kind === 'log') log(message.record);
        else if (message.kind === 'failed') reject(errorOfFailure(message));
        else if (message.kind === 'reply') this.#replied(message.id, message.reply);
        else this.#arrived(message);
      });
    });
    // Whoever waits sees the failure; nobody waiting is no reason to end the process.
    this.#failure.catch(() => {});
  }

  post(message: In): void {
    this.#worker.postMessage(message);
  }

  /** Resolves with the answer to the message that `make` makes of a number of its own; rejects with its error. */
  async call(make: (id: number) => In): Promise<unknown> {
    const id = ++this.#lastCall;
    const come = new Promise<ControlReply>((resolve) => this.#calls.set(id, resolve));
    this.post(make(id));
    const reply = await Promise.race([come, this.#failure]);
    if (reply.kind === 'failed') throw errorOfFailure(reply.error);
    return reply.value;
  }

  /** Resolves with the first message of that kind, also one that has come already; rejects when the worker fails. */
  message<K extends Kind>(kind: K): Promise<Extract<FromWorker, { kind: K }>> {
    const seen = this.#seen.get(kind);
    const come =
      seen === undefined
        ? new Promise<FromWorker>((resolve) => this.#waiting.set(kind, [...(this.#waiting.get(kind) ?? []), resolve]))
        : Promise.resolve(seen);
    return Promise.race([come as Promise<Extract<FromWorker, { kind: K }>>, this.#failure]);
  }

  /** Rejects when the worker fails, never resolves. */
  get failed(): Promise<never> {
    return this.#failure;
  }

  async terminate(): Promise<void> {
    this.#terminated = true;
    await this.#worker.terminate();
  }

  #replied(id: number, reply: ControlReply): void {
    this.#calls.get(id)?.(reply);
    this.#calls.delete(id);
  }

  #arrived(message: FromWorker): void {
    this.#seen.set(message.kind, message);
    for (const resolve of this.#waiting.get(message.kind) ?? []) resolve(message);
    this.#waiting.delete(message.kind);
  }
}

/** One end goes to a worker, the other serves it the API as `user`. */
export function apiChannel(serve: (port: MessagePort) => void): MessagePort {
  const { port1, port2 } = new MessageChannel();
  serve(port1);
  return port2;
}
