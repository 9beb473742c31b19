import { type ChildProcess, spawn } from 'node:child_process';
import { openSync, statSync } from 'node:fs';
import type { Clock } from '#base/clock.ts';
import { errorCode, errorMessage } from '#base/errors.ts';
import type { Log } from '#base/log.ts';
import { pastaArguments } from './egress-network.ts';
import { childrenOf } from './process-table.ts';

export interface EgressOptions {
  readonly clock: Clock;
  readonly log: Log;
  readonly signal: AbortSignal;
  /** Ranges of nodes and Pods. */
  readonly inside: readonly string[];
  /** Joins the cluster's network with the namespace `netFd`, and closes it. */
  readonly attach: (netFd: number) => Promise<unknown>;
}

const FIRST_RETRY_MS = 1000;
const LAST_RETRY_MS = 60_000;

/**
 * The way of Pods to the internet: pasta, which turns what comes out of a namespace into sockets of an ordinary program
 * on the machine. It is started on the machine's network, where this thread is, and started again when it ends.
 */
export class Egress {
  readonly #options: EgressOptions;
  /** Resolves once, with why there is no way out, or nothing when there is. */
  readonly settled: Promise<string | undefined>;

  constructor(options: EgressOptions) {
    this.#options = options;
    const first = Promise.withResolvers<string | undefined>();
    this.settled = first.promise;
    void this.#keep(first.resolve);
  }

  async #keep(tell: (notice: string | undefined) => void): Promise<void> {
    const { clock, log, signal } = this.#options;
    for (let delay = FIRST_RETRY_MS; !signal.aborted; delay = Math.min(delay * 2, LAST_RETRY_MS)) {
      const began = clock.monotonic();
      const why = await this.#run(tell);
      tell(why);
      if (signal.aborted) return;
      log.warn('pasta ended', { why });
      if (clock.monotonic() - began > LAST_RETRY_MS) delay = FIRST_RETRY_MS;
      // Somebody may install it, or the machine may come by a network.
      await clock.sleep(delay, signal).catch(() => {});
    }
  }

  /** Until it ends; resolves to what it said last. */
  async #run(tell: (notice: undefined) => void): Promise<string> {
    const { signal, attach, inside } = this.#options;
    const child = spawn('pasta', pastaArguments({ asRoot: mustBeRoot(), inside }), {
      stdio: ['pipe', 'pipe', 'pipe'],
      signal,
    });
    const ended = endOf(child);
    child.stdout.once('data', () => {
      attach(openSync(`/proc/${childrenOf(child.pid ?? 0)[0] ?? 0}/ns/net`, 'r')).then(
        () => tell(undefined),
        (error: unknown) => {
          this.#options.log.warn('way out not made', { error: errorMessage(error) });
          child.kill('SIGKILL');
        },
      );
    });
    return ended;
  }
}

/** It becomes `nobody` when root starts it, who may not be allowed to make interfaces. */
function mustBeRoot(): boolean {
  if (process.getuid?.() !== 0) return false;
  const mode = statSync('/dev/net/tun', { throwIfNoEntry: false })?.mode ?? 0;
  return (mode & 0o6) !== 0o6;
}

function endOf(child: ChildProcess): Promise<string> {
  let last = '';
  child.stderr?.on('data', (chunk: Buffer) => {
    last = (last + chunk.toString()).slice(-2000);
  });
  return new Promise((resolve) => {
    child.once('error', (error) =>
      resolve(errorCode(error) === 'ENOENT' ? 'pasta is not installed (Debian: passt)' : errorMessage(error)),
    );
    child.once('close', () => resolve(lastLine(last) ?? 'it ended without a word'));
  });
}

/** It complains of its log as well, which we have no use for. */
function lastLine(text: string): string | undefined {
  return text.split('\n').findLast((line) => /^\S/.test(line) && !line.includes('to syslog'));
}
