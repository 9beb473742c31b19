import { accessSync, chownSync, constants, mkdtempSync, rmSync } from 'node:fs';
import { spawnSync } from 'node:child_process';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import process from 'node:process';
import { fileURLToPath } from 'node:url';

export const root: string = fileURLToPath(new URL('../..', import.meta.url));
export const clusterip: string = join(root, 'bin', 'clusterip');

export type Mode = 'root' | 'rootless';

/** `nobody`: an ordinary user that every machine has. */
const NOBODY = 65_534;

/** As whom a command runs. Root tries both; an ordinary user is rootless anyway. */
export function modes(): readonly { readonly mode: Mode; readonly skip: string | false }[] {
  if (process.getuid?.() !== 0) {
    return [
      { mode: 'root', skip: 'needs root' },
      { mode: 'rootless', skip: false },
    ];
  }
  const probe = spawnSync('setpriv', [
    ...asNobody,
    process.execPath,
    '-e',
    `require('fs').accessSync(${JSON.stringify(clusterip)})`,
  ]);
  return [
    { mode: 'root', skip: false },
    { mode: 'rootless', skip: probe.status === 0 ? false : 'an ordinary user cannot read this checkout' },
  ];
}

const asNobody: readonly string[] = [`--reuid=${NOBODY}`, `--regid=${NOBODY}`, '--clear-groups'];

/** The words to put before a command so that it runs in that mode. */
export function prefix(mode: Mode): readonly string[] {
  return mode === 'rootless' && process.getuid?.() === 0 ? ['setpriv', ...asNobody] : [];
}

/** A directory of the test's own that the mode's user may write. */
export class TestHome implements Disposable {
  readonly path: string;
  readonly #compiled: NodeJS.ProcessEnv;

  constructor(mode: Mode) {
    // Compiled sources are our user's, who keeps them from one test to the next. To write them all anew takes a second of
    // each cluster's end, so another user does without.
    const { NODE_COMPILE_CACHE } = process.env;
    this.#compiled = prefix(mode).length > 0 ? { NODE_DISABLE_COMPILE_CACHE: '1' } : { NODE_COMPILE_CACHE };
    this.path = mkdtempSync(join(tmpdir(), 'clusterip-test-'));
    if (prefix(mode).length > 0) chownSync(this.path, NOBODY, NOBODY);
    accessSync(this.path, constants.R_OK);
  }

  /** Nothing of the user's own configuration reaches the commands, and nothing of theirs it. */
  env(): NodeJS.ProcessEnv {
    const { PATH } = process.env;
    return {
      PATH,
      ...this.#compiled,
      HOME: this.path,
      XDG_STATE_HOME: join(this.path, 'state'),
      XDG_CACHE_HOME: join(this.path, 'cache'),
      KUBECONFIG: join(this.path, 'kubeconfig'),
      LANG: 'C.UTF-8',
      // What Pods of tests send stays in the machine.
      CLUSTERIP_EGRESS: 'none',
    };
  }

  [Symbol.dispose](): void {
    rmSync(this.path, { recursive: true, force: true });
  }
}
