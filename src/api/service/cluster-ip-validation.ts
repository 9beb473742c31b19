import { duplicate, type FieldError, forbidden, invalid, required, unsupported } from '../field-error.ts';
import type * as t from '../generated/types.ts';
import { checkLegacyIp, parseLegacyIp } from './legacy-ip.ts';
import { validateLoadBalancerClass } from './load-balancer-validation.ts';
import { isHeadless, needsHealthCheckNodePort } from './traits.ts';

type Spec = t.ServiceSpec;

const IPS = 'spec.clusterIPs';
const FAMILIES = 'spec.ipFamilies';
const POLICY = 'spec.ipFamilyPolicy';
const ONCE = 'may not change once set';

function familyOf(ip: string): 4 | 6 | undefined {
  return parseLegacyIp(ip)?.family;
}

function validatePairing({ clusterIP = '', clusterIPs = [] }: Spec): FieldError[] {
  if (clusterIP === '') {
    return clusterIPs.length === 0 ? [] : [invalid(IPS, clusterIPs, 'must be empty when `clusterIP` is not specified')];
  }
  if (clusterIPs.length === 0) return [required(IPS)];
  return clusterIPs[0] === clusterIP ? [] : [invalid(IPS, clusterIPs, 'first value must match `clusterIP`')];
}

function validateFamilies({ ipFamilies = [], ipFamilyPolicy }: Spec): FieldError[] {
  const errors: FieldError[] = [];
  for (const [i, family] of ipFamilies.entries()) {
    if (family !== 'IPv4' && family !== 'IPv6') {
      errors.push(unsupported(`${FAMILIES}[${i}]`, family, ['IPv4', 'IPv6']));
    }
    if (ipFamilies.indexOf(family) < i) errors.push(duplicate(`${FAMILIES}[${i}]`, family));
  }
  const policies = ['PreferDualStack', 'RequireDualStack', 'SingleStack'];
  if (ipFamilyPolicy !== undefined && !policies.includes(ipFamilyPolicy)) {
    errors.push(unsupported(POLICY, ipFamilyPolicy, policies));
  }
  return errors;
}

/** Addresses that the Service has already were valid when it got them. */
function validateAddresses(clusterIPs: readonly string[], old: readonly string[]): FieldError[] {
  const errors: FieldError[] = [];
  for (const [i, ip] of clusterIPs.entries()) {
    if (i > 0 || ip !== 'None') errors.push(...(old.includes(ip) ? [] : checkLegacyIp(`${IPS}[${i}]`, ip)));
    else if (clusterIPs.length > 1) errors.push(invalid(IPS, clusterIPs, "'None' must be the first and only value"));
  }
  return errors;
}

function validateFamilyMatch(spec: Spec): FieldError[] {
  if (isHeadless(spec)) return [];
  const errors: FieldError[] = [];
  for (const [i, ip] of (spec.clusterIPs ?? []).entries()) {
    const wanted = spec.ipFamilies?.[i];
    if (wanted === undefined || `IPv${familyOf(ip) ?? ''}` === wanted) continue;
    errors.push(invalid(`${IPS}[${i}]`, ip, `expected an ${wanted} value as indicated by \`ipFamilies[${i}]\``));
  }
  return errors;
}

/** clusterIP, clusterIPs, ipFamilies and ipFamilyPolicy against each other. ExternalName has none of them. */
export function validateClusterIps(spec: Spec, old?: Spec): FieldError[] {
  if (spec.type === 'ExternalName') return [];
  const clusterIPs = spec.clusterIPs ?? [];
  const errors = [...validatePairing(spec), ...validateFamilies(spec)];
  const wrong = validateAddresses(clusterIPs, old?.clusterIPs ?? []);
  const tooMany = clusterIPs.length > 2 ? [invalid(IPS, clusterIPs, 'may only hold up to 2 values')] : [];
  // Wrong addresses would be reported again under the wrong heading below.
  if (wrong.length > 0) return [...errors, ...wrong, ...tooMany];
  errors.push(...tooMany);
  if (clusterIPs.length > 1 && new Set(clusterIPs.map(familyOf)).size < clusterIPs.length) {
    errors.push(invalid(IPS, clusterIPs, 'may specify no more than one IP for each IP family'));
  }
  return [...errors, ...validateFamilyMatch(spec)];
}

/** The first entry stays for life; the second may come, and may go when the policy says SingleStack. */
function validateIpChange(spec: Spec, old: Spec): FieldError[] {
  const next = spec.clusterIPs ?? [];
  const before = old.clusterIPs ?? [];
  const changed = (i: number): FieldError => invalid(`${IPS}[${i}]`, next, ONCE);
  if (next.length === before.length) return before.flatMap((ip, i) => (ip === next[i] ? [] : [changed(i)]));
  const errors: FieldError[] = [];
  if (next.length === 0) errors.push(invalid(`${IPS}[0]`, next, 'primary clusterIP can not be unset'));
  else if (before.length > 0 && next[0] !== before[0]) errors.push(changed(0));
  return [...errors, ...validateRelease(spec, 'clusterIP', next, before)];
}

/** As `validateIpChange`. That it shows the addresses where the first family has changed is upstream's own. */
function validateFamilyChange(spec: Spec, old: Spec): FieldError[] {
  const next = spec.ipFamilies ?? [];
  const before = old.ipFamilies ?? [];
  const changed = (shown: readonly string[] | undefined): FieldError => invalid(`${FAMILIES}[0]`, shown, ONCE);
  if (next.length === before.length) return before.flatMap((family, i) => (family === next[i] ? [] : [changed(next)]));
  const errors: FieldError[] = [];
  if (next.length === 0) errors.push(invalid(`${FAMILIES}[0]`, next, 'primary ipFamily can not be unset'));
  else if (before.length > 0 && next[0] !== before[0]) errors.push(changed(spec.clusterIPs));
  return [...errors, ...validateRelease(spec, 'ipFamily', next, before)];
}

function validateRelease(
  { ipFamilyPolicy }: Spec,
  what: string,
  next: readonly string[],
  before: readonly string[],
): FieldError[] {
  if (next.length !== 1 || before.length < 2 || ipFamilyPolicy === 'SingleStack') return [];
  return [invalid(POLICY, ipFamilyPolicy, `must be set to 'SingleStack' when releasing the secondary ${what}`)];
}

function validateAddressChange(spec: Spec, old: Spec): FieldError[] {
  if (spec.type === 'ExternalName' || old.type === 'ExternalName') return [];
  const [is, was] = [isHeadless(spec), isHeadless(old)];
  return [...(is && was ? [] : validateIpChange(spec, old)), ...(is || was ? [] : validateFamilyChange(spec, old))];
}

/** What an update must leave as it is. */
export function validateServiceChange({ spec }: t.Service, { spec: old }: t.Service): FieldError[] {
  const errors = validateAddressChange(spec, old);
  const balanced = spec.type === 'LoadBalancer' && old.type === 'LoadBalancer';
  if (balanced && spec.loadBalancerClass !== old.loadBalancerClass) {
    errors.push(invalid('spec.loadBalancerClass', spec.loadBalancerClass, ONCE));
  }
  // Said again with the rest of the Service, but of an update it comes here.
  errors.push(...validateLoadBalancerClass(spec));
  const checked = needsHealthCheckNodePort(spec) && needsHealthCheckNodePort(old);
  if (checked && spec.healthCheckNodePort !== old.healthCheckNodePort) {
    errors.push(forbidden('spec.healthCheckNodePort', 'field is immutable'));
  }
  return errors;
}
