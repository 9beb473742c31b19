import { spawn, type ChildProcess } from 'node:child_process';
import { mkdtempSync, openSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { peerPath, programMissing } from './peer-path.ts';

export const kubeProxyPath = (): string => peerPath('kube-proxy');
export const kubeProxyMissing = (): string | undefined => programMissing('kube-proxy');

export interface KubeProxyOptions {
  readonly mode: 'iptables' | 'nftables';
  readonly kubeconfig: string;
  readonly nodeName: string;
  readonly clusterCidrs: readonly string[];
  readonly flags?: readonly string[];
}

/** The real one, on the network namespace that this process is in; it leaves the rules when it ends. */
export class KubeProxy implements AsyncDisposable {
  readonly #directory: string = mkdtempSync(join(tmpdir(), 'kube-proxy-'));
  readonly #child: ChildProcess;

  constructor({ mode, kubeconfig, nodeName, clusterCidrs, flags = [] }: KubeProxyOptions) {
    const file = join(this.#directory, 'kubeconfig');
    writeFileSync(file, kubeconfig, { mode: 0o600 });
    const log = openSync(join(this.#directory, 'log'), 'w');
    const args = [
      `--kubeconfig=${file}`,
      `--proxy-mode=${mode}`,
      `--hostname-override=${nodeName}`,
      ...(clusterCidrs.length === 0 ? [] : [`--cluster-cidr=${clusterCidrs.join(',')}`]),
      // The machine's own limits stay.
      '--conntrack-max-per-core=0',
      '--conntrack-tcp-timeout-established=0',
      '--conntrack-tcp-timeout-close-wait=0',
      '--healthz-bind-address=127.0.0.1:10256',
      '--v=2',
      ...flags,
    ];
    this.#child = spawn(kubeProxyPath(), args, { stdio: ['ignore', log, log] });
  }

  get pid(): number {
    return this.#child.pid ?? 0;
  }

  get log(): string {
    return readFileSync(join(this.#directory, 'log'), 'utf8');
  }

  get isRunning(): boolean {
    return this.#child.exitCode === null && this.#child.signalCode === null;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (this.isRunning) {
      const ended = new Promise((resolve) => this.#child.once('exit', resolve));
      this.#child.kill('SIGKILL');
      await ended;
    }
    rmSync(this.#directory, { recursive: true, force: true });
  }
}
