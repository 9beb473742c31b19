import { addressBits, formatCidr } from '#base/cidr.ts';
import { formatIp } from '#base/ip.ts';
import type * as t from '../generated/types.ts';
import { legacyIpWarnings, parseLegacyCidr, parseLegacyIp } from './legacy-ip.ts';
import { isHeadless, TOPOLOGY_HINTS, TOPOLOGY_MODE } from './traits.ts';

/** What a client is told of a Service that is valid, and does not do all that it says. */
export function serviceWarnings({ metadata, spec }: t.Service): readonly string[] {
  const warnings: string[] = [];
  if (metadata.annotations?.[TOPOLOGY_HINTS] !== undefined) {
    warnings.push(`annotation ${TOPOLOGY_HINTS} is deprecated, please use ${TOPOLOGY_MODE} instead`);
  }
  return [...warnings, ...addressWarnings(spec), ...typeWarnings(spec)];
}

export function serviceStatusWarnings({ status }: t.Service): readonly string[] {
  return (status?.loadBalancer?.ingress ?? []).flatMap(({ ip }, i) =>
    legacyIpWarnings(`status.loadBalancer.ingress[${i}]`, ip ?? ''),
  );
}

function addressWarnings(spec: t.ServiceSpec): readonly string[] {
  const warnings: string[] = [];
  if (!isHeadless(spec)) {
    warnings.push(...(spec.clusterIPs ?? []).flatMap((ip, i) => legacyIpWarnings(`spec.clusterIPs[${i}]`, ip)));
  } else if (spec.type === 'ClusterIP') {
    warnings.push(...headlessWarnings(spec));
  }
  warnings.push(...(spec.externalIPs ?? []).flatMap((ip, i) => legacyIpWarnings(`spec.externalIPs[${i}]`, ip)));
  if (spec.loadBalancerIP) warnings.push(...legacyIpWarnings('spec.loadBalancerIP', spec.loadBalancerIP));
  warnings.push(
    ...(spec.loadBalancerSourceRanges ?? []).flatMap((range, i) =>
      cidrWarnings(`spec.loadBalancerSourceRanges[${i}]`, range),
    ),
  );
  return warnings;
}

function typeWarnings(spec: t.ServiceSpec): readonly string[] {
  const warnings: string[] = [];
  if (spec.type === 'ExternalName' && (spec.externalIPs?.length ?? 0) > 0) {
    warnings.push('spec.externalIPs is ignored when spec.type is "ExternalName"');
  }
  if (spec.type !== 'ExternalName' && (spec.externalName ?? '') !== '') {
    warnings.push('spec.externalName is ignored when spec.type is not "ExternalName"');
  }
  return warnings;
}

function headlessWarnings(spec: t.ServiceSpec): readonly string[] {
  return [
    ...((spec.loadBalancerIP ?? '') === '' ? [] : ['spec.loadBalancerIP is ignored for headless services']),
    ...((spec.externalIPs?.length ?? 0) === 0 ? [] : ['spec.externalIPs is ignored for headless services']),
    ...(spec.sessionAffinity === 'None' ? [] : ['spec.SessionAffinity is ignored for headless services']),
  ];
}

function cidrWarnings(field: string, text: string): readonly string[] {
  const cidr = parseLegacyCidr(text);
  const [address = '', prefix = ''] = text.split('/', 2);
  const ip = parseLegacyIp(address);
  if (cidr === undefined || ip === undefined) return [];
  const plain = formatCidr(cidr);
  const warnings: string[] = [];
  if (ip.value !== cidr.base) {
    const single = `${formatIp(ip)}/${addressBits(ip.family)}`;
    warnings.push(`${field}: CIDR value "${text}" is ambiguous in this context (should be "${plain}" or "${single}"?)`);
  }
  if (ip.family === 4 && (formatIp(ip) !== address || String(Number(prefix)) !== prefix)) {
    const later = `will be considered invalid in a future Kubernetes release: use "${plain}"`;
    warnings.push(`${field}: non-standard CIDR value "${text}" ${later}`);
  }
  if (warnings.length === 0 && ip.family === 6 && `${formatIp(ip)}/${prefix}` !== text) {
    warnings.push(`${field}: IPv6 CIDR value "${text}" should be in RFC 5952 canonical format ("${plain}")`);
  }
  return warnings;
}
