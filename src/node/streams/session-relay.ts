import type { Readable, Writable } from 'node:stream';
import type { Clock } from '#base/clock.ts';
import { errorMessage } from '#base/errors.ts';
import type { ContainerHandle, ExecProcess, Runtime } from '../runtime.ts';
import { internalOutcome, outcomeOf, SUCCESS } from './outcome.ts';
import type { RemoteSession, StdioRequest } from './remote-session.ts';

/** A process that is gone can leave children that hold its output open; they get this much silence, then we hang up. */
const SILENCE_MS = 300;

/** A client of `attach` that does not read is cut off when this much waits for it. */
const MAX_ATTACH_BACKLOG_BYTES = 16 * 1024 * 1024;

/** Runs a command in the container with the session as its standard streams. Resolves when the session is over. */
export async function relayExec(
  runtime: Runtime,
  handle: ContainerHandle,
  request: StdioRequest & { readonly command: readonly string[] },
  session: RemoteSession,
  clock: Clock,
): Promise<void> {
  let process: ExecProcess;
  try {
    const { podUid, container } = handle;
    process = runtime.exec({ podUid, container, command: request.command, tty: request.tty, stdin: request.stdin });
  } catch (error) {
    await session.finish(internalOutcome(`error executing command in container: ${errorMessage(error)}`));
    return;
  }
  const hangUp = (): void => {
    // With a terminal that is what a closed terminal does; without one the closed pipes have to do.
    if (request.tty) process.kill('SIGHUP');
    process.stdin?.destroy();
    process.stdout.destroy();
    process.stderr?.destroy();
  };
  session.gone.addEventListener('abort', hangUp, { once: true });
  if (session.gone.aborted) hangUp();
  session.onResize((size) => process.resize(size));
  feed(session.stdin, process.stdin, !request.tty);
  const outputs = [new OutputPump(process.stdout, 'stdout', session)];
  if (process.stderr !== undefined) outputs.push(new OutputPump(process.stderr, 'stderr', session));
  const outcome = await process
    .wait()
    .then(outcomeOf, (error: unknown) =>
      internalOutcome(`error executing command in container: ${errorMessage(error)}`),
    );
  for (const output of outputs) await output.finish(clock);
  session.gone.removeEventListener('abort', hangUp);
  await session.finish(outcome);
}

/** Joins the session to the container's own process until either of the two ends. */
export async function relayAttach(runtime: Runtime, handle: ContainerHandle, session: RemoteSession): Promise<void> {
  let backlog = 0;
  let tail: Promise<void> = Promise.resolve();
  const overrun = Promise.withResolvers<void>();
  const gone = new Promise<void>((resolve) => session.gone.addEventListener('abort', () => resolve(), { once: true }));
  try {
    using attachment = runtime.attach(handle, (stream, bytes) => {
      backlog += bytes.length;
      if (backlog > MAX_ATTACH_BACKLOG_BYTES) overrun.resolve();
      // The listener must not wait; what it is given may be used again by its owner.
      const copy = Buffer.from(bytes);
      tail = tail.then(async () => {
        await session.write(stream, copy);
        backlog -= copy.length;
      });
    });
    session.onResize((size) => attachment.resize(size));
    const { stdin } = attachment;
    feed(session.stdin, stdin, attachment.stdinOnce && !attachment.tty);
    await Promise.race([attachment.wait(), gone, overrun.promise]);
    if (stdin !== undefined) session.stdin?.unpipe(stdin);
    if (!session.gone.aborted) await Promise.race([tail, gone]);
    await session.finish(SUCCESS);
  } catch (error) {
    await session.finish(internalOutcome(`error attaching to container: ${errorMessage(error)}`));
  }
}

/** Carries one output stream to the client, as fast as the client reads. */
class OutputPump {
  readonly #source: Readable;
  readonly #done: Promise<void>;
  /** Grows with every chunk; odd while one is on its way to the client. */
  #steps = 0;
  #ended = false;

  constructor(source: Readable, stream: 'stdout' | 'stderr', session: RemoteSession) {
    this.#source = source;
    this.#done = this.#run(stream, session);
  }

  async #run(stream: 'stdout' | 'stderr', session: RemoteSession): Promise<void> {
    try {
      for await (const chunk of this.#source) {
        this.#steps++;
        await session.write(stream, chunk as Buffer);
        this.#steps++;
      }
    } catch {
      // A terminal whose other end is closed, or a client that is gone: both end the stream.
    }
    this.#ended = true;
  }

  /** Waits for the end of the stream, or for silence on it. */
  async finish(clock: Clock): Promise<void> {
    while (!this.#ended) {
      const before = this.#steps;
      const silence = new AbortController();
      await Promise.race([this.#done, clock.sleep(SILENCE_MS, silence.signal).catch(() => {})]);
      silence.abort(new Error('over'));
      // After a busy spell the timer comes before what is ready to be read.
      await new Promise((resolve) => setImmediate(resolve));
      if (this.#steps === before && before % 2 === 0 && !this.#ended) {
        this.#source.destroy();
        await this.#done;
      }
    }
  }
}

/** `end`: the end of the input is passed on. A terminal has none to pass on: closing it would hang up. */
function feed(source: Readable | undefined, target: Writable | undefined, end: boolean): void {
  if (source === undefined) return;
  source.on('error', () => {});
  if (target === undefined) {
    source.resume();
    return;
  }
  target.on('error', () => {});
  // What a process does not want to read must not hold up the rest of the connection.
  target.once('close', () => source.resume());
  source.pipe(target, { end });
}
