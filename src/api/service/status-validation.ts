import { type FieldError, forbidden, invalid, required, unsupported } from '../field-error.ts';
import type * as t from '../generated/types.ts';
import { checkDns1123Subdomain } from '../names.ts';
import { invalidAll } from '../validation.ts';
import { checkLegacyIp, parseLegacyIp } from './legacy-ip.ts';

/** Where a load balancer says that it is; addresses that were stored may stay. */
export function validateServiceStatus({ spec, status }: t.Service, old: t.Service): FieldError[] {
  const at = 'status.loadBalancer.ingress';
  const ingress = status?.loadBalancer?.ingress ?? [];
  if (spec.type !== 'LoadBalancer' && ingress.length > 0) {
    return [forbidden(at, "may only be used when `spec.type` is 'LoadBalancer'")];
  }
  const before = new Set((old.status?.loadBalancer?.ingress ?? []).map(({ ip }) => ip));
  return ingress.flatMap((entry, i) => [
    ...(entry.ip && !before.has(entry.ip) ? checkLegacyIp(`${at}[${i}].ip`, entry.ip) : []),
    ...validateMode(entry, `${at}[${i}].ipMode`),
    ...validateHostname(entry.hostname ?? '', `${at}[${i}].hostname`),
  ]);
}

function validateMode({ ip = '', ipMode }: t.LoadBalancerIngress, field: string): FieldError[] {
  if (ipMode === undefined) return ip === '' ? [] : [required(field, 'must be specified when `ip` is set')];
  if (ip === '') return [forbidden(field, 'may not be specified when `ip` is not set')];
  return ipMode === 'VIP' || ipMode === 'Proxy' ? [] : [unsupported(field, ipMode, ['Proxy', 'VIP'])];
}

function validateHostname(name: string, field: string): FieldError[] {
  if (name === '') return [];
  const errors = invalidAll(field, name, checkDns1123Subdomain(name));
  if (parseLegacyIp(name) !== undefined) errors.push(invalid(field, name, 'must be a DNS name, not an IP address'));
  return errors;
}
