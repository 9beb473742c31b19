import { spawn, type ChildProcess } from 'node:child_process';
import { closeSync, mkdtempSync, openSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { KubeApiServer } from './kube-apiserver.ts';
import { peerPath } from './peer-path.ts';

/** kube-scheduler or kube-controller-manager on a server of ours, with a directory for its log that goes with it. */
export class KubeComponent implements AsyncDisposable {
  readonly #directory = mkdtempSync(join(tmpdir(), 'clusterip-peer-'));
  readonly #child: ChildProcess;

  constructor(program: string, server: KubeApiServer) {
    const kubeconfig = join(this.#directory, 'kubeconfig');
    writeFileSync(kubeconfig, server.kubeconfig, { mode: 0o600 });
    const log = openSync(join(this.#directory, 'log'), 'w');
    const options = ['--leader-elect=false', '--secure-port=0', `--kubeconfig=${kubeconfig}`];
    this.#child = spawn(peerPath(program), options, { stdio: ['ignore', log, log] });
    closeSync(log);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const ended = new Promise((resolve) => this.#child.once('exit', resolve));
    if (this.#child.exitCode === null && this.#child.kill('SIGKILL')) await ended;
    rmSync(this.#directory, { recursive: true, force: true });
  }
}
