import { parseIp } from '#base/ip.ts';
import { duplicate, type FieldError, forbidden, invalid, required, unsupported } from '../field-error.ts';
import type * as t from '../generated/types.ts';
import { checkIp } from '../validation.ts';
import { isHeadless, needsHealthCheckNodePort } from './traits.ts';

type Spec = t.ServiceSpec;

const IPS = 'spec.clusterIPs';
const FAMILIES = 'spec.ipFamilies';
const POLICY = 'spec.ipFamilyPolicy';
const ONCE = 'may not change once set';

function familyOf(ip: string): 4 | 6 | undefined {
  return parseIp(ip)?.family;
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

function validateAddresses(clusterIPs: readonly string[]): FieldError[] {
  const errors: FieldError[] = [];
  for (const [i, ip] of clusterIPs.entries()) {
    if (i > 0 || ip !== 'None') errors.push(...checkIp(`${IPS}[${i}]`, ip));
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
export function validateClusterIps(spec: Spec): FieldError[] {
  if (spec.type === 'ExternalName') return [];
  const clusterIPs = spec.clusterIPs ?? [];
  const errors = [...validatePairing(spec), ...validateFamilies(spec)];
  const wrong = validateAddresses(clusterIPs);
  const tooMany = clusterIPs.length > 2 ? [invalid(IPS, clusterIPs, 'may only hold up to 2 values')] : [];
  // Wrong addresses would be reported again under the wrong heading below.
  if (wrong.length > 0) return [...errors, ...wrong, ...tooMany];
  errors.push(...tooMany);
  if (clusterIPs.length > 1 && new Set(clusterIPs.map(familyOf)).size < clusterIPs.length) {
    errors.push(invalid(IPS, clusterIPs, 'may specify no more than one IP for each IP family'));
  }
  return [...errors, ...validateFamilyMatch(spec)];
}

interface Pair {
  readonly field: string;
  readonly what: string;
  readonly next: readonly string[];
  readonly old: readonly string[];
}

/** The first entry stays for life; the second may come, and may go when the policy says SingleStack. */
function validateListChange({ field, what, next, old }: Pair, spec: Spec): FieldError[] {
  if (next.length === old.length) {
    const changed = old.flatMap((value, i) => (value === next[i] ? [] : [i]));
    return changed.map((i) => invalid(`${field}[${i}]`, next, ONCE));
  }
  const errors: FieldError[] = [];
  if (next.length === 0) errors.push(invalid(`${field}[0]`, next, `primary ${what} can not be unset`));
  else if (old.length > 0 && next[0] !== old[0]) errors.push(invalid(`${field}[0]`, next, ONCE));
  if (next.length === 1 && old.length > 1 && spec.ipFamilyPolicy !== 'SingleStack') {
    const text = `must be set to 'SingleStack' when releasing the secondary ${what}`;
    errors.push(invalid(POLICY, spec.ipFamilyPolicy, text));
  }
  return errors;
}

function validateAddressChange(spec: Spec, old: Spec): FieldError[] {
  if (spec.type === 'ExternalName' || old.type === 'ExternalName') return [];
  const ips = { field: IPS, what: 'clusterIP', next: spec.clusterIPs ?? [], old: old.clusterIPs ?? [] };
  const families = { field: FAMILIES, what: 'ipFamily', next: spec.ipFamilies ?? [], old: old.ipFamilies ?? [] };
  const headless = isHeadless(spec) && isHeadless(old);
  return [...(headless ? [] : validateListChange(ips, spec)), ...validateListChange(families, spec)];
}

/** What an update must leave as it is. */
export function validateServiceChange({ spec }: t.Service, { spec: old }: t.Service): FieldError[] {
  const errors = validateAddressChange(spec, old);
  const balanced = spec.type === 'LoadBalancer' && old.type === 'LoadBalancer';
  if (balanced && spec.loadBalancerClass !== old.loadBalancerClass) {
    errors.push(invalid('spec.loadBalancerClass', spec.loadBalancerClass, ONCE));
  }
  const checked = needsHealthCheckNodePort(spec) && needsHealthCheckNodePort(old);
  if (checked && spec.healthCheckNodePort !== old.healthCheckNodePort) {
    errors.push(forbidden('spec.healthCheckNodePort', 'field is immutable'));
  }
  return errors;
}
