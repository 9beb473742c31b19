import type { ContainerHandle, Runtime } from '../runtime.ts';
import { type LogNews, readLog } from './log-file-sync.ts';
import type { LogOptions } from './log-options.ts';

/** A request that cannot be served; `message` goes to the client. */
export class StreamRefusal extends Error {
  readonly httpStatus: 400 | 404 | 500;

  constructor(httpStatus: StreamRefusal['httpStatus'], message: string) {
    super(message);
    this.name = 'StreamRefusal';
    this.httpStatus = httpStatus;
  }
}

/** The bytes of a container's log. With `follow` they go on until the container ends or `signal` aborts. */
export async function* containerLog(
  runtime: Runtime,
  handle: ContainerHandle,
  options: LogOptions,
  signal: AbortSignal,
): AsyncGenerator<Buffer> {
  if (options.previous) {
    if (handle.previousLogPath === undefined) throw noPrevious(handle);
    yield* readLog(handle.previousLogPath, options);
    return;
  }
  using news = options.follow && handle.running ? new OutputNews(runtime, handle, signal) : undefined;
  yield* readLog(handle.logPath, options, news);
}

export function noPrevious(handle: ContainerHandle): StreamRefusal {
  return new StreamRefusal(
    400,
    `previous terminated container ${JSON.stringify(handle.container)} in pod ${JSON.stringify(handle.pod)} not found`,
  );
}

/** Learns of output as `attach` does: every write of the container wakes the reader, and nothing is polled. */
class OutputNews implements LogNews, Disposable {
  readonly #detach: (() => void) | undefined;
  #fresh = false;
  #ended = false;
  #wake: (() => void) | undefined;

  constructor(runtime: Runtime, handle: ContainerHandle, signal: AbortSignal) {
    signal.addEventListener('abort', () => this.#end(), { once: true });
    if (signal.aborted) this.#end();
    try {
      const attachment = runtime.attach(handle, () => {
        this.#fresh = true;
        this.#wake?.();
      });
      this.#detach = () => attachment[Symbol.dispose]();
      attachment.wait().then(
        () => this.#end(),
        () => this.#end(),
      );
    } catch {
      // It ended between the look at it and now: what it wrote is all in the file.
      this.#end();
    }
  }

  async next(): Promise<boolean> {
    if (!this.#fresh && !this.#ended) {
      await new Promise<void>((resolve) => {
        this.#wake = resolve;
      });
    }
    this.#fresh = false;
    return !this.#ended;
  }

  [Symbol.dispose](): void {
    this.#detach?.();
  }

  #end(): void {
    this.#ended = true;
    this.#wake?.();
  }
}
