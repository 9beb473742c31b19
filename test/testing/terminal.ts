import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { prefix } from './mode.ts';
import { type Finished, run } from './run.ts';
import type { TestCluster } from './test-cluster.ts';
import { eventually } from './traffic.ts';

export const hasTmux: boolean = spawnSync('tmux', ['-V']).error === undefined;

/** A server of tmux that is told to end takes a moment, so each has a socket of its own. */
let made = 0;

/** A program on a screen of 150 by 40 that tmux keeps, with a server of its own. */
export class Terminal implements AsyncDisposable {
  readonly #cluster: TestCluster;
  readonly #socket: string;

  private constructor(cluster: TestCluster) {
    this.#cluster = cluster;
    this.#socket = join(cluster.home.path, `tmux-${made++}`);
  }

  static async start(cluster: TestCluster, command: readonly string[]): Promise<Terminal> {
    const terminal = new Terminal(cluster);
    const line = command.map((word) => `'${word}'`).join(' ');
    const { code, stderr } = await terminal.#tmux('new-session', '-d', '-x', '150', '-y', '40', line);
    assert.equal(code, 0, stderr);
    return terminal;
  }

  async type(...keys: readonly string[]): Promise<void> {
    await this.#tmux('send-keys', ...keys);
  }

  async resize(columns: number, rows: number): Promise<void> {
    await this.#tmux('resize-window', '-x', String(columns), '-y', String(rows));
  }

  /** Resolves with the screen once the pattern is on it. */
  async shows(pattern: RegExp): Promise<string> {
    let screen = '';
    await eventually(`${pattern} on the screen`, true, async () => {
      screen = (await this.#tmux('capture-pane', '-p')).stdout;
      return pattern.test(screen);
    }).catch((error: unknown) => assert.fail(`${String(error)}\n${screen.trim()}`));
    return screen;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#tmux('kill-server');
  }

  async #tmux(...args: readonly string[]): Promise<Finished> {
    // Not every user has a shell of its own.
    const env = { ...this.#cluster.home.env(), SHELL: '/bin/sh', TERM: 'xterm-256color' };
    return run([...prefix(this.#cluster.mode), 'tmux', '-S', this.#socket, '-f', '/dev/null', ...args], {
      env,
    });
  }
}
