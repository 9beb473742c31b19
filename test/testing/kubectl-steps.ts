import assert from 'node:assert/strict';
import { spawn, spawnSync, type ChildProcessWithoutNullStreams } from 'node:child_process';
import { basename } from 'node:path';
import type { TestContext } from 'node:test';
import { installedKubectls } from '../../src/apiserver/testing/kubectl.ts';
import { modes, prefix } from './mode.ts';
import { run, type Finished } from './run.ts';
import type { TestCluster } from './test-cluster.ts';

export const hasScript: boolean = spawnSync('script', ['--version']).error === undefined;

export interface KubectlStep {
  /** Words with spaces between; a list where a word has a space inside. */
  readonly args: string | readonly string[];
  readonly input?: string;
  /** What `edit` runs on the file. */
  readonly editor?: string;
  readonly code?: number;
  /** Output and then errors, with ages as `AGE` and no spaces at the ends of lines. */
  readonly text: string | RegExp;
  /** The first kubectl 1.N that has the command. */
  readonly since?: number;
  /** Part of another step's work: runs again until its answer is right, for a minute. */
  readonly eventually?: boolean;
}

/** Several kubectls may be of one version. */
let made = 0;

/** A real kubectl on a real cluster, in a namespace of its own. */
export class ClusterKubectl {
  readonly minor: number;
  readonly namespace: string;
  readonly #cluster: TestCluster;
  readonly #binary: string;

  private constructor(cluster: TestCluster, binary: string, minor: number) {
    this.#cluster = cluster;
    this.#binary = binary;
    this.minor = minor;
    this.namespace = `by-kubectl-${minor}-${made++}`;
  }

  static async create(cluster: TestCluster, binary: string): Promise<ClusterKubectl> {
    const { stdout } = await run([binary, 'version', '--client', '-o', 'json'], { env: cluster.home.env() });
    const { clientVersion } = JSON.parse(stdout) as { clientVersion: { minor: string } };
    const kubectl = new ClusterKubectl(cluster, binary, Number.parseInt(clientVersion.minor));
    await cluster.kubectl('create', 'namespace', kubectl.namespace);
    return kubectl;
  }

  command(args: readonly string[]): readonly string[] {
    return [...prefix(this.#cluster.mode), this.#binary, '--namespace', this.namespace, ...args];
  }

  /** As a line for a shell. */
  line(args: readonly string[]): string {
    return this.command(args)
      .map((word) => `'${word.replaceAll("'", String.raw`'\''`)}'`)
      .join(' ');
  }

  run(args: readonly string[], more: { readonly input?: string; readonly editor?: string } = {}): Promise<Finished> {
    const { input, editor = 'false' } = more;
    const { home } = this.#cluster;
    // An edit that is refused leaves its file in TMPDIR.
    const env = { ...home.env(), TMPDIR: home.path, KUBE_EDITOR: editor };
    return run(this.command(args), { env, ...(input === undefined ? {} : { input }) });
  }

  /** Starts it and leaves the rest to the caller. */
  start(args: readonly string[]): ChildProcessWithoutNullStreams {
    const [program = '', ...rest] = this.command(args);
    return spawn(program, rest, { env: this.#cluster.home.env() });
  }

  /** A line for a shell, on a terminal that script(1) makes. */
  shellOnTerminal(line: string, input = ''): Promise<Finished> {
    const env = { ...this.#cluster.home.env(), TERM: 'xterm' };
    return run(['script', '-qec', line, '/dev/null'], { env, input });
  }

  async steps(t: TestContext, steps: readonly KubectlStep[]): Promise<void> {
    let failed = false;
    for (const step of steps) {
      const words = typeof step.args === 'string' ? step.args.split(' ') : step.args;
      const skip = (step.since ?? 0) > this.minor && `since kubectl 1.${step.since}`;
      await t.test(words.join(' '), { skip: failed ? 'what it builds on failed' : skip }, async () => {
        failed = true;
        await this.#step(step, words);
        failed = false;
      });
    }
  }

  async #step(step: KubectlStep, words: readonly string[]): Promise<void> {
    const { input, editor, code = 0, text } = step;
    for (let tries = 0; ; tries++) {
      const more = { ...(input === undefined ? {} : { input }), ...(editor === undefined ? {} : { editor }) };
      const done = await this.run(words, more);
      const shown = normal(done.stdout + done.stderr);
      const right = done.code === code && (typeof text === 'string' ? shown === text : text.test(shown));
      if (!right && step.eventually === true && tries < 120) {
        await new Promise((resolve) => setTimeout(resolve, 500));
        continue;
      }
      if (typeof text === 'string') assert.equal(shown, text);
      else assert.match(shown, text);
      assert.equal(done.code, code, shown);
      return;
    }
  }
}

function normal(text: string): string {
  return text
    .replaceAll(/\b\d+(?:s|m\d*s?)(?=\s)/g, 'AGE')
    .replaceAll(/^(?:W\d{4} .*|Flag --.* has been deprecated.*|--profile=legacy is deprecated.*)\n/gm, '')
    .replaceAll(/[ \t]+(?=\n)/g, '');
}

/** Every kubectl that is here, by a name for the test, and as whom it runs: root where that may be. */
export function kubectlRuns(): readonly { readonly binary: string; readonly name: string }[] {
  return installedKubectls().map((binary) => ({ binary, name: basename(binary) }));
}

export function oneMode(): ReturnType<typeof modes>[number] {
  const found = modes().find(({ skip }) => skip === false);
  if (found === undefined) throw new Error('neither root nor an ordinary user can run a cluster here');
  return found;
}
