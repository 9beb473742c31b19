import type { Clock } from '#base/clock.ts';
import { errorMessage } from '#base/errors.ts';
import type { Container, LifecycleHandler, Probe } from '#api/generated/types.ts';
import type { AttemptContext, ProbeResult } from './attempt.ts';
import { attemptProbe } from './attempt-agent.ts';
import { callHttp } from './http-attempt-agent.ts';
import { ProbeAgent } from './probe-agent.ts';
import { type ProbeKind, probeSpec, probeTarget } from './probe-spec.ts';

export interface ContainerProbesOptions {
  readonly clock: Clock;
  readonly context: AttemptContext;
  readonly podIp: string;
  readonly container: Container;
  /** Whether its processes wait for something. */
  readonly isAtRest: () => boolean;
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

/**
 * Who has no readiness probe is ready once it does nothing but wait, or has run for so long: what ends at once must not
 * pass for a success, or a rollout would go on over it. Until then nobody hears that it runs: whoever does finds it ready,
 * as with a kubelet, which looks what has become of its containers once a second.
 */
const SETTLED_MS = 100;
/** To the first look at it; the next ones take twice as long each. */
const FIRST_LOOK_MS = 5;

const shown: Readonly<Record<ProbeKind, string>> = { startup: 'Startup', liveness: 'Liveness', readiness: 'Readiness' };

/** The three probes of one run of a container, and what they say together. */
export class ContainerProbes implements Disposable {
  readonly #options: ContainerProbesOptions;
  readonly #agents = new Map<ProbeKind, ProbeAgent>();
  readonly #verdicts: Record<'hook' | 'startup' | 'readiness', boolean>;
  readonly #startedAt: number;
  readonly #ended = new AbortController();
  #settling: Disposable | undefined;

  constructor(options: ContainerProbesOptions) {
    this.#options = options;
    const { clock, container } = options;
    this.#startedAt = clock.monotonic();
    const hook = container.lifecycle?.postStart;
    this.#verdicts = { hook: hook === undefined, startup: container.startupProbe === undefined, readiness: false };
    if (hook === undefined) this.#begin();
    else void this.#afterStart(hook);
  }

  /** Whether it may still turn out to be one that ends at once. */
  get settling(): boolean {
    return this.#settling !== undefined;
  }

  /** Whether the postStart hook is still to end well. */
  get inHook(): boolean {
    return !this.#verdicts.hook;
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

  /** Runs the preStop hook, until `signal` aborts; its failure stops nothing. */
  async beforeStop(signal: AbortSignal): Promise<void> {
    // From here on nothing may restart it, but its readiness still matters to those who drain it.
    this.#stop('startup');
    this.#stop('liveness');
    const hook = this.#options.container.lifecycle?.preStop;
    if (hook === undefined) return;
    try {
      const result = await this.#runHook(hook, signal);
      if (result?.ok === false) throw new Error(result.message);
    } catch (error) {
      if (!this.#ended.signal.aborted) this.#options.onPreStopFailed(errorMessage(error));
    }
  }

  [Symbol.dispose](): void {
    this.#ended.abort(new Error('the container has ended'));
    this.#settling?.[Symbol.dispose]();
    for (const agent of this.#agents.values()) agent[Symbol.dispose]();
    this.#agents.clear();
  }

  /** The probes that wait for the startup probe. */
  #watchLife(): void {
    const { livenessProbe, readinessProbe } = this.#options.container;
    this.#start('liveness', livenessProbe);
    if (readinessProbe === undefined) this.#settle();
    else this.#start('readiness', readinessProbe);
  }

  #settle(): void {
    if (this.#unsettledMs() > 0) this.#look(FIRST_LOOK_MS);
    else this.#verdicts.readiness = true;
  }

  #unsettledMs(): number {
    return this.#startedAt + SETTLED_MS - this.#options.clock.monotonic();
  }

  #look(afterMs: number): void {
    const { clock, isAtRest } = this.#options;
    this.#settling = clock.after(Math.max(0, Math.min(this.#unsettledMs(), afterMs)), () => {
      this.#settling = undefined;
      if (this.#unsettledMs() > 0 && !isAtRest()) this.#look(afterMs * 2);
      else this.#judge('readiness', true, undefined);
    });
  }

  #stop(kind: ProbeKind): void {
    this.#agents.get(kind)?.[Symbol.dispose]();
    this.#agents.delete(kind);
  }

  async #runHook(hook: LifecycleHandler, signal: AbortSignal): Promise<ProbeResult | undefined> {
    const { clock, context, container, podIp } = this.#options;
    if (hook.sleep !== undefined) {
      await clock.sleep(hook.sleep.seconds * 1000, signal);
      return undefined;
    }
    const target = probeTarget(hook, container, podIp);
    if (target?.kind === 'http') {
      await callHttp(context, target, signal);
      return undefined;
    }
    return target === undefined ? undefined : attemptProbe(context, target, signal);
  }

  #start(kind: ProbeKind, probe: Probe | undefined): void {
    const { clock, context, container, podIp, onUnhealthy, onProbeWarning } = this.#options;
    const spec = probeSpec(kind, probe, container, podIp);
    if (spec === undefined) return;
    // Delays count from the start of the container, not from the success of its startup probe.
    const delayMs = Math.max(0, spec.delayMs - (clock.monotonic() - this.#startedAt));
    const agent = new ProbeAgent(
      { ...spec, delayMs },
      {
        clock,
        attempt: (target, signal) => attemptProbe(context, target, signal),
        onFailure: (message) => onUnhealthy(`${shown[kind]} probe failed: ${message}`),
        onErrored: (why) => onUnhealthy(`${shown[kind]} probe errored and resulted in unknown state: ${why}`),
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
