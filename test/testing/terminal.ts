import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { prefix } from './mode.ts';
import { run } from './run.ts';
import { type TestCluster } from './test-cluster.ts';
import { eventually } from './traffic.ts';

export const hasTmux: boolean = spawnSync('tmux', ['-V']).error === undefined;

/** A program on a screen of 150 by 40 that tmux keeps, with a server of its own. */
export class Terminal implements AsyncDisposable {
  readonly #cluster: TestCluster;

  private constructor(cluster: TestCluster) {
    this.#cluster = cluster;
  }

  static async start(cluster: TestCluster, command: readonly string[]): Promise<Terminal> {
    const terminal = new Terminal(cluster);
    const line = command.map((word) => `'${word}'`).join(' ');
    await terminal.#tmux('new-session', '-d', '-x', '150', '-y', '40', line);
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
      screen = await this.#tmux('capture-pane', '-p');
      return pattern.test(screen);
    });
    return screen;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#tmux('kill-server');
  }

  async #tmux(...args: readonly string[]): Promise<string> {
    const socket = join(this.#cluster.home.path, 'tmux');
    const env = { ...this.#cluster.home.env(), TERM: 'xterm-256color' };
    const { stdout } = await run([...prefix(this.#cluster.mode), 'tmux', '-S', socket, '-f', '/dev/null', ...args], {
      env,
    });
    return stdout;
  }
}
