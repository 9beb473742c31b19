import { type Node } from '#api/generated/types.ts';
import { type Clock } from '#base/clock.ts';
import { type IpFamily } from '#base/ip.ts';

/** kube-proxy lets a change wait for twice its sync period before it calls itself unhealthy. */
const TIMEOUT_MS = 60_000;

/** Set by the cluster autoscaler on nodes that it is about to take away. */
const TO_BE_DELETED = 'ToBeDeletedByClusterAutoscaler';

export interface HealthAnswer {
  readonly code: 200 | 503;
  readonly body: string;
}

export interface HealthSources {
  readonly families: readonly IpFamily[];
  readonly clock: Clock;
  lastSync(family: IpFamily): number;
}

/**
 * Whether the rules follow the cluster (`/livez`), and whether load balancers should send new traffic to this node
 * (`/healthz`, KEP-3836): not to one that is being taken away.
 */
export class ProxyHealth {
  readonly #sources: HealthSources;
  /** When the oldest change that is not in the kernel came; undefined when all are. Nothing is there at the start. */
  #waitingSince: number | undefined;
  #isEligible = true;

  constructor(sources: HealthSources) {
    this.#sources = sources;
    this.#waitingSince = sources.clock.now();
  }

  changed(): void {
    this.#waitingSince ??= this.#sources.clock.now();
  }

  settled(): void {
    this.#waitingSince = undefined;
  }

  setNode(node: Node): void {
    const isTainted = node.spec.taints?.some(({ key }) => key === TO_BE_DELETED) === true;
    this.#isEligible = node.metadata.deletionTimestamp === undefined && !isTainted;
  }

  get isHealthy(): boolean {
    return this.#families().every(({ healthy }) => healthy);
  }

  healthz(): HealthAnswer {
    return this.#answer({ nodeEligible: this.#isEligible }, this.isHealthy && this.#isEligible);
  }

  livez(): HealthAnswer {
    return this.#answer({}, this.isHealthy);
  }

  /** The fields of pkg/proxy/healthcheck/proxy_health.go, in its order. */
  #answer(more: { readonly nodeEligible?: boolean }, isGood: boolean): HealthAnswer {
    const now = this.#sources.clock.now();
    const families = this.#families();
    const healthy = families.every((one) => one.healthy);
    const last = families.map(({ lastSync }) => lastSync);
    const lastUpdated = time(healthy ? now : Math.min(...last));
    const status = Object.fromEntries(
      families.map((one) => [`IPv${one.family}`, { lastUpdated: time(one.lastSync), healthy: one.healthy }]),
    );
    const body = JSON.stringify({ lastUpdated, currentTime: time(now), ...more, healthy, status });
    return { code: isGood ? 200 : 503, body };
  }

  #families(): readonly { readonly family: IpFamily; readonly lastSync: number; readonly healthy: boolean }[] {
    const { families, clock } = this.#sources;
    const waits = this.#waitingSince !== undefined && clock.now() - this.#waitingSince > TIMEOUT_MS;
    return families.map((family) => {
      const lastSync = this.#sources.lastSync(family);
      return { family, lastSync, healthy: lastSync > 0 && !waits };
    });
  }
}

function time(ms: number): string {
  return ms === 0 ? '0001-01-01T00:00:00Z' : new Date(ms).toISOString();
}
