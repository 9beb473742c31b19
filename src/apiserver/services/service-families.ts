import type { IpFamily } from '#base/ip.ts';
import { invalid, type FieldError } from '#api/field-error.ts';
import type { ServiceSpec } from '#api/generated/types.ts';
import { validateClusterIps } from '#api/service/cluster-ip-validation.ts';
import { parseLegacyIp } from '#api/service/legacy-ip.ts';
import { needsClusterIp } from '#api/service/traits.ts';

export type FamilyName = 'IPv4' | 'IPv6';

export interface FamiliesResult {
  readonly spec: ServiceSpec;
  readonly errors: readonly FieldError[];
}

const POLICY = 'spec.ipFamilyPolicy';

export function familyName(family: IpFamily): FamilyName {
  return family === 4 ? 'IPv4' : 'IPv6';
}

function familyOf(address: string): FamilyName | undefined {
  const ip = parseLegacyIp(address);
  return ip === undefined ? undefined : familyName(ip.family);
}

function same(a: readonly string[] = [], b: readonly string[] = []): boolean {
  return a.length === b.length && a.every((item, i) => item === b[i]);
}

/**
 * Fills in `ipFamilyPolicy` and `ipFamilies` from what the Service says and what the cluster has (`available`, the
 * default first), by KEP-563. A cluster that gains or loses a family changes no Service by itself.
 */
export function completeFamilies(
  spec: ServiceSpec,
  old: ServiceSpec | undefined,
  available: readonly FamilyName[],
): FamiliesResult {
  if (spec.type === 'ExternalName' || (old !== undefined && isSettledPreference(spec, old)))
    return { spec, errors: [] };
  const kept = { ...spec, ipFamilyPolicy: spec.ipFamilyPolicy ?? old?.ipFamilyPolicy ?? defaultPolicy(spec) };
  const wrong = validateClusterIps(kept, old);
  if (wrong.length > 0) return { spec, errors: wrong };
  const shrunk = old === undefined ? { spec: kept, errors: [] } : releaseSecondary(kept, old);
  const errors = [...shrunk.errors, ...multipleProblems(shrunk.spec)];
  const inferred = inferFamilies(shrunk.spec, available);
  errors.push(...inferred.errors);
  if (errors.length > 0) return { spec, errors };
  if (isSelectorless(spec)) return { spec: headlessWithoutSelector(inferred.spec, available), errors: [] };
  return chooseFamilies(inferred.spec, available);
}

function isSelectorless(spec: ServiceSpec): boolean {
  return spec.clusterIP === 'None' && Object.keys(spec.selector ?? {}).length === 0;
}

/** Nobody knows what the endpoints of a headless Service without a selector will be. */
function defaultPolicy(spec: ServiceSpec): string {
  return isSelectorless(spec) ? 'RequireDualStack' : 'SingleStack';
}

/** A Service that prefers two families, and has what it got when it was made, keeps it whatever the cluster has now. */
export function isSettledPreference(spec: ServiceSpec, old: ServiceSpec): boolean {
  return (
    spec.ipFamilyPolicy === 'PreferDualStack' &&
    (old.ipFamilyPolicy ?? 'PreferDualStack') === 'PreferDualStack' &&
    spec.type === old.type &&
    needsClusterIp(spec) &&
    same(spec.clusterIPs, old.clusterIPs) &&
    same(spec.ipFamilies, old.ipFamilies)
  );
}

/** Going back to one family takes the policy SingleStack; then the second may be left in the lists and goes by itself. */
function releaseSecondary(spec: ServiceSpec, old: ServiceSpec): { spec: ServiceSpec; errors: FieldError[] } {
  const errors: FieldError[] = [];
  const { clusterIPs = [], ipFamilies = [] } = spec;
  if (spec.ipFamilyPolicy !== 'SingleStack') {
    const must = "must be 'SingleStack' to release the secondary";
    const reduced = (next: readonly string[], before: readonly string[] = []): boolean =>
      next.length > 0 && next.length < before.length;
    if (reduced(clusterIPs, old.clusterIPs)) errors.push(invalid(POLICY, spec.ipFamilyPolicy, `${must} cluster IP`));
    if (reduced(ipFamilies, old.ipFamilies)) errors.push(invalid(POLICY, spec.ipFamilyPolicy, `${must} IP family`));
    return { spec, errors };
  }
  return {
    spec: {
      ...spec,
      ...(same(clusterIPs, old.clusterIPs) && clusterIPs.length === 2 ? { clusterIPs: clusterIPs.slice(0, 1) } : {}),
      ...(same(ipFamilies, old.ipFamilies) && ipFamilies.length === 2 ? { ipFamilies: ipFamilies.slice(0, 1) } : {}),
    },
    errors,
  };
}

function multipleProblems(spec: ServiceSpec): FieldError[] {
  const policy = spec.ipFamilyPolicy;
  if (policy !== 'SingleStack') return [];
  const text = (what: string): string =>
    `must be 'RequireDualStack' or 'PreferDualStack' when multiple ${what} are specified`;
  const errors: FieldError[] = [];
  if ((spec.clusterIPs ?? []).length > 1) errors.push(invalid(POLICY, policy, text('cluster IPs')));
  if ((spec.ipFamilies ?? []).length > 1) errors.push(invalid(POLICY, policy, text('IP families')));
  return errors;
}

/** A given address says its family. */
function inferFamilies(
  spec: ServiceSpec,
  available: readonly FamilyName[],
): { spec: ServiceSpec; errors: FieldError[] } {
  const families = [...(spec.ipFamilies ?? [])];
  const errors: FieldError[] = [];
  for (const [i, address] of (spec.clusterIPs ?? []).entries()) {
    if (address === 'None') break;
    const family = familyOf(address);
    if (family === undefined || i < families.length) continue;
    if (available.includes(family)) families.push(family);
    else errors.push(invalid(`spec.clusterIPs[${i}]`, spec.clusterIPs, `${family} is not configured on this cluster`));
  }
  return { spec: families.length === 0 ? spec : { ...spec, ipFamilies: families }, errors };
}

/** It may have both families even where the cluster has one. */
function headlessWithoutSelector(spec: ServiceSpec, available: readonly FamilyName[]): ServiceSpec {
  const [first = available[0] ?? 'IPv4', second = first === 'IPv4' ? 'IPv6' : 'IPv4'] = spec.ipFamilies ?? [];
  return { ...spec, ipFamilies: spec.ipFamilyPolicy === 'SingleStack' ? [first] : [first, second] };
}

function chooseFamilies(spec: ServiceSpec, available: readonly FamilyName[]): FamiliesResult {
  const policy = spec.ipFamilyPolicy ?? 'SingleStack';
  const families = [...(spec.ipFamilies ?? [])];
  const errors: FieldError[] = [];
  if (policy === 'RequireDualStack' && available.length < 2) {
    errors.push(invalid(POLICY, policy, 'this cluster is not configured for dual-stack services'));
  }
  families.forEach((family, i) => {
    if (!available.some((name) => name === family)) {
      errors.push(invalid(`spec.ipFamilies[${i}]`, family, 'not configured on this cluster'));
    }
  });
  if (errors.length > 0) return { spec, errors };
  if (families.length === 0) families.push(available[0] ?? 'IPv4');
  const other = available.find((name) => !families.includes(name));
  if (policy !== 'SingleStack' && families.length === 1 && other !== undefined) families.push(other);
  return { spec: { ...spec, ipFamilyPolicy: policy, ipFamilies: families }, errors };
}
