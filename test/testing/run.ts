import { spawn } from 'node:child_process';
import assert from 'node:assert/strict';

export interface Finished {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

export interface RunOptions {
  readonly env: NodeJS.ProcessEnv;
  readonly cwd?: string;
  readonly input?: string;
  /** @default 120000 */
  readonly timeoutMs?: number;
}

/** Runs a program to its end; a signal counts as 128 + its number would in a shell. */
export function run(command: readonly string[], options: RunOptions): Promise<Finished> {
  const [program, ...args] = command;
  assert.ok(program !== undefined);
  return new Promise((resolve, reject) => {
    const child = spawn(program, args, {
      env: options.env,
      cwd: options.cwd ?? '/',
      stdio: ['pipe', 'pipe', 'pipe'],
      timeout: options.timeoutMs ?? 120_000,
      killSignal: 'SIGKILL',
    });
    let stdout = '';
    let stderr = '';
    child.stdout.setEncoding('utf8').on('data', (text: string) => (stdout += text));
    child.stderr.setEncoding('utf8').on('data', (text: string) => (stderr += text));
    child.stdin.on('error', () => {});
    child.stdin.end(options.input ?? '');
    child.once('error', reject);
    child.once('close', (code, signal) => resolve({ code: signal === null ? (code ?? 1) : 137, stdout, stderr }));
  });
}
