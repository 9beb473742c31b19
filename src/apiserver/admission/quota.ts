import { deepEqual } from '#api/equal.ts';
import type { Pod, ResourceQuota } from '#api/generated/types.ts';
import type { KindDefinition } from '#api/kind.ts';
import type { KubeObject } from '#api/object.ts';
import { type Amounts, amountsOf, shown, sum, texts } from '#api/quota/amounts.ts';
import { missingAmounts, quotaCounts, usageOf } from '#api/quota/usage.ts';
import { pods, resourceQuotas } from '#api/resource.ts';
import { forbiddenStatus } from '#api/status.ts';
import type { ServerContext } from '../context.ts';
import { StatusError } from '../status-error.ts';
import { StaleError } from '../storage/object-storage.ts';

/** A write that quotas count. */
interface Charge {
  readonly server: ServerContext;
  readonly kind: KindDefinition;
  readonly object: KubeObject;
  /** Absent on create. */
  readonly old?: KubeObject | undefined;
  readonly dryRun: boolean;
}

const ATTEMPTS = 16;

/**
 * Counts a write into the quotas of its namespace, one object each, however much there is in the namespace; what is freed
 * again is the controller's to see. An update that takes no more waits for no quota: it may be one of a quota itself.
 * @throws {StatusError} 403
 */
export async function chargeQuotas(charge: Charge): Promise<void> {
  const { server, object } = charge;
  const { namespace } = object.metadata;
  const cache = server.storage.cache(resourceQuotas);
  if (namespace === undefined || cache.size === 0) return;
  const keys = Array.from(cache.list(`${namespace}/`), ({ key }) => key);
  if (keys.length === 0 || increase(charge).size === 0) return;
  for (const key of keys) {
    await server.storage.exclusively(cache, key, () => chargeOne(charge, key));
  }
}

async function chargeOne(charge: Charge, key: string): Promise<void> {
  const { server, dryRun } = charge;
  const cache = server.storage.cache(resourceQuotas);
  for (let attempt = 1; ; attempt++) {
    const stored = cache.get(key);
    if (stored === undefined) return;
    const quota = stored.object as ResourceQuota;
    const next = charged(charge, quota);
    if (next === undefined || dryRun) return;
    try {
      await server.storage.put(cache, key, next, stored.revision);
      return;
    } catch (error) {
      if (!(error instanceof StaleError) || attempt >= ATTEMPTS) throw error;
    }
  }
}

/** The quota with the write counted; undefined where it changes nothing. */
function charged(charge: Charge, quota: ResourceQuota): ResourceQuota | undefined {
  const { kind, object, old } = charge;
  const { resource } = kind;
  const { hard = {}, used = {} } = quota.status ?? {};
  if (!quotaCounts(quota.spec ?? {}, resource, object)) return undefined;
  const limits = amountsOf(hard);
  const refuse = (why: string): StatusError => new StatusError(forbiddenStatus(resource, object.metadata.name, why));
  if (old === undefined && resource.group === '' && resource.plural === pods.plural) {
    const missing = missingAmounts(object as Pod, limits.keys());
    if (missing !== undefined) throw refuse(`failed quota: ${quota.metadata.name}: ${missing}`);
  }
  const requested = new Map([...increase(charge)].filter(([name]) => limits.has(name)));
  if (requested.size === 0) return undefined;
  const before = amountsOf(used);
  const after = sum(before, requested);
  const exceeded = [...requested.keys()].filter((name) => (after.get(name) ?? 0n) > (limits.get(name) ?? 0n));
  if (exceeded.length > 0) {
    const parts = [
      `requested: ${shown(requested, exceeded)}`,
      `used: ${shown(before, exceeded)}`,
      `limited: ${shown(limits, exceeded)}`,
    ];
    throw refuse(`exceeded quota: ${quota.metadata.name}, ${parts.join(', ')}`);
  }
  const counted = { ...quota, status: { ...quota.status, hard, used: texts(after) } };
  return deepEqual(counted, quota) ? undefined : counted;
}

/** What the object takes more than before. */
function increase({ kind: { resource }, object, old }: Charge): Map<string, bigint> {
  const before: Amounts = old === undefined ? new Map() : usageOf(resource, old);
  const more = new Map<string, bigint>();
  for (const [name, amount] of usageOf(resource, object)) {
    const change = amount - (before.get(name) ?? 0n);
    if (change > 0n) more.set(name, change);
  }
  return more;
}
