import { age, labelsCell, orNone } from '../columns.ts';
import type * as t from '../generated/types.ts';
import type { Cell } from '../kind.ts';

interface Ingress {
  readonly ip?: string | undefined;
  readonly hostname?: string | undefined;
}

/** Addresses of a load balancer, sorted, each once. */
export function ingressAddresses(status: { readonly ingress?: readonly Ingress[] | undefined } | undefined): string {
  const addresses = (status?.ingress ?? []).map(({ ip = '', hostname = '' }) => (ip === '' ? hostname : ip));
  return [...new Set(addresses.filter((address) => address !== ''))].sort().join(',');
}

function externalCell(service: t.Service): string {
  const { type, externalIPs = [], externalName } = service.spec;
  switch (type) {
    case 'ClusterIP':
    case 'NodePort':
      return orNone(externalIPs.join(','));
    case 'LoadBalancer':
      return orNone(
        [ingressAddresses(service.status?.loadBalancer), ...externalIPs].filter((text) => text !== '').join(','),
        '<pending>',
      );
    case 'ExternalName':
      return externalName ?? '';
    default:
      return '<unknown>';
  }
}

function portText({ port, nodePort = 0, protocol = 'TCP' }: t.ServicePort): string {
  return nodePort > 0 ? `${port}:${nodePort}/${protocol}` : `${port}/${protocol}`;
}

/** NAME TYPE CLUSTER-IP EXTERNAL-IP PORT(S) AGE | SELECTOR. */
export function serviceRow(service: t.Service, now: number): readonly Cell[] {
  const { spec } = service;
  return [
    service.metadata.name,
    spec.type ?? '',
    orNone(spec.clusterIPs?.[0] ?? spec.clusterIP),
    externalCell(service),
    orNone((spec.ports ?? []).map(portText).join(',')),
    age(service, now),
    labelsCell(spec.selector),
  ];
}
