import { spawn, type ChildProcess } from 'node:child_process';
import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import process from 'node:process';
import { fileURLToPath } from 'node:url';
import { stateDirAt, type StateDir } from '#cluster/state-dir.ts';

const command = fileURLToPath(new URL('../../../bin/clusterip', import.meta.url));

export interface Finished {
  readonly code: number | string;
  readonly stdout: string;
  readonly stderr: string;
}

/** The command as users type it, in a home directory of its own that is gone after the test. */
export class CommandHome implements Disposable {
  readonly path: string = mkdtempSync(join(tmpdir(), 'clusterip-cli-'));

  /** Where the cluster of that name has its state. */
  stateDir(name: string): StateDir {
    return stateDirAt(join(this.path, 'state', 'clusterip', name));
  }

  start(args: readonly string[], env: NodeJS.ProcessEnv = {}): { child: ChildProcess; finished: Promise<Finished> } {
    const child = spawn(command, args, {
      cwd: this.path,
      stdio: ['ignore', 'pipe', 'pipe'],
      env: {
        PATH: process.env['PATH'],
        HOME: this.path,
        XDG_STATE_HOME: join(this.path, 'state'),
        XDG_CACHE_HOME: join(this.path, 'cache'),
        CLUSTERIP_EGRESS: 'none',
        ...env,
      },
    });
    let stdout = '';
    let stderr = '';
    child.stdout.setEncoding('utf8').on('data', (text: string) => (stdout += text));
    child.stderr.setEncoding('utf8').on('data', (text: string) => (stderr += text));
    const finished = new Promise<Finished>((resolve, reject) => {
      child.once('error', reject);
      child.once('close', (code, signal) => resolve({ code: code ?? signal ?? '', stdout, stderr }));
    });
    return { child, finished };
  }

  run(args: readonly string[], env: NodeJS.ProcessEnv = {}): Promise<Finished> {
    return this.start(args, env).finished;
  }

  /** Everything below the home, but for the compiled code that every Node keeps there. */
  files(): readonly string[] {
    return readdirSync(this.path, { recursive: true, encoding: 'utf8' })
      .filter((file) => !file.startsWith('cache'))
      .sort();
  }

  [Symbol.dispose](): void {
    rmSync(this.path, { recursive: true, force: true });
  }
}
