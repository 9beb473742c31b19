import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdtempSync, openSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { homedir, tmpdir } from 'node:os';
import { join } from 'node:path';
import { PEER_VERSION } from '../../bench/peers/kube-apiserver.ts';

export type PeerProgram = 'kube-controller-manager' | 'kube-scheduler';

function pathOf(program: PeerProgram): string {
  const cache = process.env['XDG_CACHE_HOME'] ?? join(homedir(), '.cache');
  return join(cache, 'clusterip-peers', `${program}-${PEER_VERSION}`);
}

/** Why the program is not on this machine; undefined when it is. */
export function peerProgramMissing(program: PeerProgram): string | undefined {
  return existsSync(pathOf(program)) ? undefined : `no ${pathOf(program)}: bench/peers/build.sh ${program} makes it`;
}

/** A part of Kubernetes' control plane, with a kubeconfig of its own, that listens nowhere. */
export class PeerProcess implements AsyncDisposable {
  readonly #directory: string = mkdtempSync(join(tmpdir(), 'clusterip-peer-'));
  readonly #child: ChildProcess;

  constructor(program: PeerProgram, kubeconfig: string, ...flags: readonly string[]) {
    const file = join(this.#directory, 'kubeconfig');
    writeFileSync(file, kubeconfig);
    const log = openSync(join(this.#directory, 'log'), 'w');
    const args = [`--kubeconfig=${file}`, '--secure-port=0', '--leader-elect=true', ...flags];
    this.#child = spawn(pathOf(program), args, { cwd: this.#directory, stdio: ['ignore', log, log] });
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
