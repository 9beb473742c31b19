import type { Node } from '#api/generated/types.ts';
import type { Clock } from '#base/clock.ts';
import type { IpFamily } from '#base/ip.ts';

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
 * (`/healthz`, KEP-3836): not before it has rules, nor to one that is being taken away. A proxy that waits for its first
 * rules is alive, as upstream's is: nothing would come of starting it anew.
 */
export class ProxyHealth {
  readonly #sources: HealthSources;
  /** When the oldest change came that is not in the kernel. */
  readonly #waitingSince = new Map<IpFamily, number>();
  #isEligible = true;

  constructor(sources: HealthSources) {
    this.#sources = sources;
  }

  changed(): void {
    const { families, clock } = this.#sources;
    for (const family of families) {
      if (!this.#waitingSince.has(family)) this.#waitingSince.set(family, clock.now());
    }
  }

  synced(family: IpFamily): void {
    this.#waitingSince.delete(family);
  }

  settled(): void {
    this.#waitingSince.clear();
  }

  setNode(node: Node): void {
    const isTainted = node.spec.taints?.some(({ key }) => key === TO_BE_DELETED) === true;
    this.#isEligible = node.metadata.deletionTimestamp === undefined && !isTainted;
  }

  healthz(): HealthAnswer {
    const families = this.#families();
    const hasRules = families.every(({ lastSync }) => lastSync > 0);
    return this.#answer(families, hasRules, { nodeEligible: this.#isEligible });
  }

  livez(): HealthAnswer {
    return this.#answer(this.#families(), true, {});
  }

  /** The fields of pkg/proxy/healthcheck/proxy_health.go, in its order. */
  #answer(
    families: readonly FamilyHealth[],
    isStarted: boolean,
    more: { readonly nodeEligible?: boolean },
  ): HealthAnswer {
    const now = this.#sources.clock.now();
    const healthy = isStarted && families.every((one) => one.healthy);
    const isGood = healthy && more.nodeEligible !== false;
    const lastUpdated = time(isGood ? now : Math.max(...families.map(({ lastSync }) => lastSync)));
    const told = families
      .filter(({ lastSync }) => lastSync > 0)
      .map(({ family, lastSync, healthy: is }) => [`IPv${family}`, { lastUpdated: time(lastSync), healthy: is }]);
    const status = told.length === 0 ? {} : { status: Object.fromEntries(told) as object };
    const body = JSON.stringify({ lastUpdated, currentTime: time(now), ...more, healthy, ...status });
    return { code: isGood ? 200 : 503, body };
  }

  #families(): readonly FamilyHealth[] {
    const sources = this.#sources;
    const { families, clock } = sources;
    return families.map((family) => {
      const since = this.#waitingSince.get(family);
      const healthy = since === undefined || clock.now() - since < TIMEOUT_MS;
      return { family, lastSync: sources.lastSync(family), healthy };
    });
  }
}

interface FamilyHealth {
  readonly family: IpFamily;
  readonly lastSync: number;
  readonly healthy: boolean;
}

function time(ms: number): string {
  return ms === 0 ? '0001-01-01T00:00:00Z' : new Date(ms).toISOString();
}
