import { spawn, type ChildProcessWithoutNullStreams } from 'node:child_process';
import { accessSync, constants, mkdtempSync, readdirSync, realpathSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

/** What `test/clients/install` has installed. */
const CLIENTS = fileURLToPath(new URL('../../../test/clients/bin', import.meta.url));

/**
 * `kubectl` and every `kubectl.1.N` on PATH and among the clients of the tests, and those that CLUSTERIP_TEST_KUBECTLS
 * names (paths with colons between).
 */
export function installedKubectls(): readonly string[] {
  const named = (process.env['CLUSTERIP_TEST_KUBECTLS'] ?? '').split(':').filter((path) => path !== '');
  const found = [...(process.env['PATH'] ?? '').split(':'), CLIENTS].flatMap(kubectlsIn);
  // /bin is often a link to /usr/bin.
  return [...new Set([...named, ...found].filter(isExecutable).map((path) => realpathSync(path)))];
}

function kubectlsIn(dir: string): readonly string[] {
  try {
    return readdirSync(dir)
      .filter((name) => /^kubectl(?:\.1\.\d+)?$/.test(name))
      .map((name) => join(dir, name));
  } catch {
    return [];
  }
}

function isExecutable(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}

export interface CommandResult {
  readonly code: number;
  /** What it printed, errors behind output. */
  readonly text: string;
}

/** A real kubectl with a home and a kubeconfig of its own. */
export class Kubectl implements Disposable {
  readonly #binary: string;
  readonly #home: string;

  constructor(binary: string, kubeconfig: string) {
    this.#binary = binary;
    this.#home = mkdtempSync(join(tmpdir(), 'clusterip-kubectl-'));
    writeFileSync(join(this.#home, 'config'), kubeconfig);
  }

  /** Starts it and leaves the rest to the caller. */
  start(args: readonly string[], editor: string = 'false'): ChildProcessWithoutNullStreams {
    const config = join(this.#home, 'config');
    // An edit that is refused leaves its file in TMPDIR.
    const env = {
      PATH: process.env['PATH'],
      HOME: this.#home,
      TMPDIR: this.#home,
      KUBECONFIG: config,
      KUBE_EDITOR: editor,
    };
    return spawn(this.#binary, args, { env });
  }

  /** Runs to the end, or until `until` is in the output. */
  run(
    args: readonly string[],
    options: { readonly input?: string; readonly until?: RegExp; readonly editor?: string } = {},
  ): Promise<CommandResult> {
    const child = this.start(args, options.editor);
    let out = '';
    let err = '';
    child.stdout.on('data', (chunk: Buffer) => {
      out += chunk.toString();
      if (options.until?.test(out) === true) child.kill();
    });
    child.stderr.on('data', (chunk: Buffer) => {
      err += chunk.toString();
    });
    child.stdin.on('error', () => {});
    child.stdin.end(options.input ?? '');
    return new Promise((resolve, reject) => {
      child.on('error', reject);
      child.on('close', (code) => resolve({ code: code ?? 0, text: out + err }));
    });
  }

  [Symbol.dispose](): void {
    rmSync(this.#home, { recursive: true, force: true });
  }
}
