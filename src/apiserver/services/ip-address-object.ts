import { randomUUID } from 'node:crypto';
import { rfc3339, type Clock } from '#base/clock.ts';
import { formatIp, type Ip } from '#base/ip.ts';
import type { IPAddress, Service } from '#api/generated/types.ts';
import type { NewObject } from '#api/object.ts';

export const FAMILY_LABEL = 'ipaddress.kubernetes.io/ip-family';
export const MANAGED_BY_LABEL = 'ipaddress.kubernetes.io/managed-by';
/** The value of `MANAGED_BY_LABEL` on what belongs to a Service. */
export const ALLOCATOR = 'ipallocator.k8s.io';

type Owner = Pick<Service, 'metadata'>;

/** The IPAddress that says: this address is that Service's. */
export function ipAddressOf(ip: Ip, { metadata }: Owner): NewObject<IPAddress> {
  return {
    apiVersion: 'networking.k8s.io/v1',
    kind: 'IPAddress',
    metadata: {
      name: formatIp(ip),
      labels: { [FAMILY_LABEL]: ip.family === 4 ? 'IPv4' : 'IPv6', [MANAGED_BY_LABEL]: ALLOCATOR },
    },
    spec: {
      parentRef: { resource: 'services', namespace: metadata.namespace ?? '', name: metadata.name },
    },
  };
}

/** The same as it goes into the store, for a write that does not pass the verbs. */
export function storedIpAddress(ip: Ip, owner: Owner, clock: Clock): IPAddress {
  const address = ipAddressOf(ip, owner);
  const { name, labels } = address.metadata;
  return {
    ...address,
    metadata: { name: name ?? '', uid: randomUUID(), creationTimestamp: rfc3339(clock.now()), labels },
  } as IPAddress;
}

export function refersTo({ spec }: IPAddress, { metadata }: Owner): boolean {
  const parent: Partial<IPAddress['spec']['parentRef']> | undefined = spec.parentRef;
  return (
    (parent?.group ?? '') === '' &&
    parent?.resource === 'services' &&
    parent.namespace === metadata.namespace &&
    parent.name === metadata.name
  );
}
