import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, openSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { peerPath } from '../../bench/peers/peer-path.ts';

export type PeerProgram = 'kube-controller-manager' | 'kube-scheduler';

/** A part of Kubernetes' control plane, with a kubeconfig of its own, that listens nowhere. */
export class PeerProcess implements AsyncDisposable {
  readonly #directory: string = mkdtempSync(join(tmpdir(), 'clusterip-peer-'));
  readonly #child: ChildProcess;

  constructor(program: PeerProgram, kubeconfig: string, ...flags: readonly string[]) {
    const file = join(this.#directory, 'kubeconfig');
    writeFileSync(file, kubeconfig);
    const log = openSync(join(this.#directory, 'log'), 'w');
    const args = [`--kubeconfig=${file}`, '--secure-port=0', '--leader-elect=true', ...flags];
    this.#child = spawn(peerPath(program), args, { cwd: this.#directory, stdio: ['ignore', log, log] });
  }

  /** Errors and warnings that it has logged. */
  get complaints(): readonly string[] {
    const log = readFileSync(join(this.#directory, 'log'), 'utf8');
    return log.split('\n').filter((line) => /^[EF]\d{4} /.test(line));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const exit = once(this.#child, 'exit');
    if (this.#child.exitCode === null && this.#child.kill('SIGKILL')) await exit;
    rmSync(this.#directory, { recursive: true, force: true });
  }
}
