import assert from 'node:assert/strict';
import { join } from 'node:path';
import { clusterip, prefix, TestHome, type Mode } from './mode.ts';
import { run, type Finished } from './run.ts';

export interface TestClusterOptions {
  readonly mode: Mode;
  readonly nodes?: number;
  readonly args?: readonly string[];
  /** @default that of PATH */
  readonly kubectl?: string;
}

/** A cluster of the test's own, made and driven by the commands that users type; gone without a trace when disposed. */
export class TestCluster implements AsyncDisposable {
  readonly home: TestHome;
  readonly mode: Mode;
  readonly #options: TestClusterOptions;

  private constructor(options: TestClusterOptions) {
    this.mode = options.mode;
    this.home = new TestHome(options.mode);
    this.#options = options;
  }

  static async start(options: TestClusterOptions): Promise<TestCluster> {
    const cluster = new TestCluster(options);
    try {
      await cluster.up();
    } catch (error) {
      await cluster[Symbol.asyncDispose]();
      throw error;
    }
    return cluster;
  }

  get dataDir(): string {
    return join(this.home.path, 'state', 'clusterip', 'default');
  }

  async up(): Promise<Finished> {
    const { nodes = 1, args = [] } = this.#options;
    const done = await this.clusterip('up', `--nodes=${nodes}`, ...args);
    assert.equal(done.code, 0, `up failed: ${done.stderr}`);
    return done;
  }

  get kubectlBinary(): string {
    return this.#options.kubectl ?? 'kubectl';
  }

  clusterip(...args: readonly string[]): Promise<Finished> {
    return run([...prefix(this.mode), clusterip, ...args], { env: this.home.env() });
  }

  /** kubectl on this cluster, as its user. */
  try(args: readonly string[], input?: string): Promise<Finished> {
    return run([...prefix(this.mode), this.kubectlBinary, ...args], {
      env: this.home.env(),
      ...(input === undefined ? {} : { input }),
    });
  }

  /** The same, which must succeed; resolves to its standard output. */
  async kubectl(...args: readonly string[]): Promise<string> {
    const done = await this.try(args);
    assert.equal(done.code, 0, `kubectl ${args.join(' ')}: ${done.stdout}${done.stderr}`);
    return done.stdout;
  }

  async apply(manifest: string): Promise<string> {
    const done = await this.try(['apply', '-f', '-'], manifest);
    assert.equal(done.code, 0, `kubectl apply: ${done.stdout}${done.stderr}`);
    return done.stdout;
  }

  async jsonpath(path: string, ...args: readonly string[]): Promise<string> {
    return this.kubectl('get', ...args, '-o', `jsonpath=${path}`);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.clusterip('down', '--purge');
    this.home[Symbol.dispose]();
  }
}
