import { spawn, type ChildProcess } from 'node:child_process';
import { mkdtempSync, openSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { systemClock } from '../../src/base/clock.ts';
import { peerPath, programMissing } from './peer-path.ts';

const VERSION = 'v1.12.4';

export const corednsPath = (): string => peerPath('coredns', VERSION);
export const corednsMissing = (): string | undefined => programMissing('coredns', VERSION);

/** A CoreDNS of its own with a Corefile; it says on its output when it serves. */
export class CoreDns implements AsyncDisposable {
  readonly #directory: string = mkdtempSync(join(tmpdir(), 'coredns-'));
  readonly #child: ChildProcess;

  constructor(corefile: string, env: NodeJS.ProcessEnv = {}) {
    const file = join(this.#directory, 'Corefile');
    writeFileSync(file, corefile);
    const log = openSync(join(this.#directory, 'log'), 'w');
    this.#child = spawn(corednsPath(), ['-conf', file], {
      stdio: ['ignore', log, log],
      env: { ...process.env, ...env },
    });
  }

  get pid(): number {
    return this.#child.pid ?? 0;
  }

  get log(): string {
    return readFileSync(join(this.#directory, 'log'), 'utf8');
  }

  /** Until its objects are in: it says so by serving. */
  async ready(timeoutMs = 120_000): Promise<void> {
    const until = systemClock.monotonic() + timeoutMs;
    while (!this.log.includes('CoreDNS-')) {
      if (this.#child.exitCode !== null || systemClock.monotonic() > until) throw new Error(this.log);
      await systemClock.sleep(50);
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#child.exitCode === null && this.#child.signalCode === null) {
      const ended = new Promise((resolve) => this.#child.once('exit', resolve));
      this.#child.kill('SIGKILL');
      await ended;
    }
    rmSync(this.#directory, { recursive: true, force: true });
  }
}
