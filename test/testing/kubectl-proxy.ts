import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { prefix } from './mode.ts';
import type { TestCluster } from './test-cluster.ts';

/** A running `kubectl proxy` on a free port of the loopback. */
export class KubectlProxy implements AsyncDisposable {
  readonly url: string;
  readonly #child: ChildProcess;

  private constructor(url: string, child: ChildProcess) {
    this.url = url;
    this.#child = child;
  }

  static async start(cluster: TestCluster): Promise<KubectlProxy> {
    const [program = '', ...args] = [...prefix(cluster.mode), cluster.kubectlBinary, 'proxy', '--port=0'];
    const child = spawn(program, args, { env: cluster.home.env(), stdio: ['ignore', 'pipe', 'inherit'] });
    const [line] = (await once(child.stdout, 'data')) as [Buffer];
    const address = /127\.0\.0\.1:\d+/.exec(line.toString())?.[0];
    if (address === undefined) throw new Error(`kubectl proxy said: ${line.toString()}`);
    return new KubectlProxy(`http://${address}`, child);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const exit = once(this.#child, 'exit');
    this.#child.kill();
    await exit;
  }
}
