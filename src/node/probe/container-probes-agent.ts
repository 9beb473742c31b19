import { errorMessage } from '#base/errors.ts';
import { type Container, type LifecycleHandler, type Probe } from '#api/generated/types.ts';
import { type NodeContext } from '../node-context.ts';
import { dialFrom } from '../sandbox/runtime-agent.ts';
import { type AttemptContext, type ProbeResult } from './attempt.ts';
import { attemptProbe } from './attempt-agent.ts';
import { ProbeAgent } from './probe-agent.ts';
import { type ProbeKind, probeSpec, probeTarget } from './probe-spec.ts';

export interface ContainerProbesOptions {
  readonly node: NodeContext;
  readonly podUid: string;
  readonly podIp: string;
  readonly container: Container;
  readonly onChange: () => void;
  /** The postStart hook failed: the container has to be restarted. What it said may be secret, and is not for events. */
  readonly onHookFailed: (why: string) => void;
  /** Stops nothing. */
  readonly onPreStopFailed: (why: string) => void;
  readonly onUnhealthy: (message: string) => void;
  readonly onProbeWarning: (message: string) => void;
  /** The container has to be restarted. */
  readonly onFatal: (kind: ProbeKind, graceSeconds: number | undefined) => void;
}

const shown: Readonly<Record<ProbeKind, string>> = { startup: 'Startup', liveness: 'Liveness', readiness: 'Readiness' };

/** The three probes of one run of a container, and what they say together. */
export class ContainerProbes implements Disposable {
  readonly #options: ContainerProbesOptions;
  readonly #context: AttemptContext;
  readonly #agents = new Map<ProbeKind, ProbeAgent>();
  readonly #verdicts: Record<'hook' | 'startup' | 'readiness', boolean>;
  readonly #startedAt: number;
  readonly #ended = new AbortController();

  constructor(options: ContainerProbesOptions) {
    this.#options = options;
    const { node, podUid, container } = options;
    const { startupProbe, readinessProbe } = container;
    this.#startedAt = node.clock.monotonic();
    this.#context = {
      dial: (host, port) => dialFrom(node.network.fd, host, port),
      exec: (command) => node.runtime.exec({ podUid, container: container.name, command }),
    };
    const hook = container.lifecycle?.postStart;
    this.#verdicts = {
      hook: hook === undefined,
      startup: startupProbe === undefined,
      readiness: readinessProbe === undefined,
    };
    if (hook === undefined) this.#begin();
    else void this.#afterStart(hook);
  }

  get started(): boolean {
    return this.#verdicts.hook && this.#verdicts.startup;
  }

  get ready(): boolean {
    return this.started && this.#verdicts.readiness;
  }

  #begin(): void {
    const { startupProbe } = this.#options.container;
    if (startupProbe === undefined) this.#watchLife();
    else this.#start('startup', startupProbe);
  }

  /** The postStart hook, which nothing else is waited for; the container counts as started when it has succeeded. */
  async #afterStart(hook: LifecycleHandler): Promise<void> {
    try {
      const result = await this.#runHook(hook, this.#ended.signal);
      if (this.#ended.signal.aborted) return;
      if (result?.ok === false) throw new Error(result.message);
      this.#verdicts.hook = true;
      this.#begin();
      this.#options.onChange();
    } catch (error) {
      if (!this.#ended.signal.aborted) this.#options.onHookFailed(errorMessage(error));
    }
  }

  /** Runs the preStop hook, for which there is no more time than `graceMs`; its failure stops nothing. */
  async beforeStop(graceMs: number): Promise<void> {
    // From here on nothing may restart it, but its readiness still matters to those who drain it.
    this.#stop('startup');
    this.#stop('liveness');
    const hook = this.#options.container.lifecycle?.preStop;
    if (hook === undefined) return;
    const { clock } = this.#options.node;
    const abort = new AbortController();
    using _ = clock.after(graceMs, () => abort.abort(new Error('grace period is over')));
    try {
      const result = await this.#runHook(hook, abort.signal);
      if (result?.ok === false) throw new Error(result.message);
    } catch (error) {
      if (!this.#ended.signal.aborted) this.#options.onPreStopFailed(errorMessage(error));
    }
  }

  [Symbol.dispose](): void {
    this.#ended.abort(new Error('the container has ended'));
    for (const agent of this.#agents.values()) agent[Symbol.dispose]();
    this.#agents.clear();
  }

  /** The probes that wait for the startup probe. */
  #watchLife(): void {
    const { livenessProbe, readinessProbe } = this.#options.container;
    this.#start('liveness', livenessProbe);
    this.#start('readiness', readinessProbe);
  }

  #stop(kind: ProbeKind): void {
    this.#agents.get(kind)?.[Symbol.dispose]();
    this.#agents.delete(kind);
  }

  async #runHook(hook: LifecycleHandler, signal: AbortSignal): Promise<ProbeResult | undefined> {
    const { node, container, podIp } = this.#options;
    if (hook.sleep !== undefined) {
      await node.clock.sleep(hook.sleep.seconds * 1000, signal);
      return undefined;
    }
    const target = probeTarget(hook, container, podIp);
    return target === undefined ? undefined : attemptProbe(this.#context, target, signal);
  }

  #start(kind: ProbeKind, probe: Probe | undefined): void {
    const { node, container, podIp, onUnhealthy, onProbeWarning } = this.#options;
    const spec = probeSpec(kind, probe, container, podIp);
    if (spec === undefined) return;
    // Delays count from the start of the container, not from the success of its startup probe.
    const delayMs = Math.max(0, spec.delayMs - (node.clock.monotonic() - this.#startedAt));
    const agent = new ProbeAgent(
      { ...spec, delayMs },
      {
        clock: node.clock,
        attempt: (target, signal) => attemptProbe(this.#context, target, signal),
        onFailure: (message) => onUnhealthy(`${shown[kind]} probe failed: ${message}`),
        onWarning: (message) => onProbeWarning(`${shown[kind]} probe warning: ${message}`),
        onVerdict: (ok) => this.#judge(kind, ok, probe),
      },
    );
    this.#agents.set(kind, agent);
  }

  #judge(kind: ProbeKind, ok: boolean, probe: Probe | undefined): void {
    if (kind !== 'liveness') this.#verdicts[kind] = ok;
    if (kind === 'startup' && ok) {
      this.#stop('startup');
      this.#watchLife();
    }
    if (!ok && kind !== 'readiness') this.#options.onFatal(kind, probe?.terminationGracePeriodSeconds);
    if (kind !== 'liveness') this.#options.onChange();
  }
}
