import type { Cidr } from '#base/cidr.ts';
import { formatIp, type Ip } from '#base/ip.ts';
import type { IPAddress, Service } from '#api/generated/types.ts';
import type { KubeObject } from '#api/object.ts';
import { parseLegacyIp } from '#api/service/legacy-ip.ts';
import { ALLOCATOR, FAMILY_LABEL, MANAGED_BY_LABEL, refersTo } from './ip-address-object.ts';
import { gives } from './range-plan.ts';
import { addressesOf } from './service-traits.ts';

/** An orphan younger than this may be that of a Service which another server is still writing. */
export const ORPHAN_MS = 60_000;

export interface Warning {
  readonly about: KubeObject;
  readonly reason: string;
  readonly action: 'ClusterIPAllocation' | 'IPAddressAllocation';
  readonly note: string;
}

/** What to do about one address; a warning without a deed says what somebody has to do. */
export interface Repair {
  readonly warning?: Warning | undefined;
  readonly remove?: string | undefined;
  readonly create?: { readonly ip: Ip; readonly service: Service } | undefined;
}

export interface RepairView {
  readonly ranges: readonly Cidr[];
  address(ip: string): IPAddress | undefined;
  service(namespace: string, name: string): Service | undefined;
}

/** Whether each ClusterIP of a Service lies in a range and has its IPAddress. */
export function repairsOfService(service: Service, view: RepairView): readonly Repair[] {
  return addressesOf(service.spec).flatMap((text) => {
    const ip = parseLegacyIp(text);
    const repair = ip === undefined ? undefined : repairOfClusterIp(service, ip, view);
    return repair === undefined ? [] : [repair];
  });
}

function repairOfClusterIp(service: Service, ip: Ip, view: RepairView): Repair | undefined {
  const text = formatIp(ip);
  const shown = `[IPv${ip.family}]`;
  const warn = (reason: string, note: string): Warning => ({
    about: service,
    reason,
    action: 'ClusterIPAllocation',
    note,
  });
  const { namespace = '', name } = service.metadata;
  if (!view.ranges.some((cidr) => gives(cidr, ip))) {
    const note = `Cluster IP ${shown}: ${text} is not within any configured Service CIDR; please recreate service`;
    return { warning: warn('ClusterIPOutOfRange', note) };
  }
  const create = { ip, service };
  const address = view.address(text);
  if (address === undefined) {
    return {
      warning: warn('ClusterIPNotAllocated', `Cluster IP ${shown}: ${text} is not allocated; repairing`),
      create,
    };
  }
  if (refersTo(address, service)) return hasLabels(address, ip) ? undefined : { remove: text, create };
  if (ownerOf(address, view) === undefined) {
    const note = `the ClusterIP ${shown}: ${text} for Service ${namespace}/${name} has a wrong reference; repairing`;
    return { warning: warn('ClusterIPNotAllocated', note), remove: text, create };
  }
  const note = `Cluster IP ${shown}:${text} was assigned to multiple services; please recreate service`;
  return { warning: warn('ClusterIPAlreadyAllocated', note) };
}

/** The Service that an IPAddress names, if it has that address. */
function ownerOf(address: IPAddress, view: RepairView): Service | undefined {
  const { group = '', resource, namespace = '', name } = address.spec.parentRef;
  if (group !== '' || resource !== 'services') return undefined;
  const owner = view.service(namespace, name ?? '');
  return owner !== undefined && hasAddress(owner, address.metadata.name) ? owner : undefined;
}

function hasAddress({ spec }: Service, text: string): boolean {
  return addressesOf(spec).some((own) => {
    const ip = parseLegacyIp(own);
    return ip !== undefined && formatIp(ip) === text;
  });
}

function hasLabels({ metadata }: IPAddress, ip: Ip): boolean {
  return metadata.labels?.[FAMILY_LABEL] === `IPv${ip.family}` && metadata.labels[MANAGED_BY_LABEL] === ALLOCATOR;
}

/** Whether an IPAddress that the allocator made still is somebody's. */
export function repairOfAddress(address: IPAddress, view: RepairView, now: number): Repair | undefined {
  const { name, labels, creationTimestamp } = address.metadata;
  if (labels?.[MANAGED_BY_LABEL] !== ALLOCATOR || ownerOf(address, view) !== undefined) return undefined;
  const { group = '', resource = '', namespace = '', name: parent = '' } = address.spec.parentRef;
  const warn = (reason: string, note: string): Repair => ({
    warning: { about: address, reason, action: 'IPAddressAllocation', note },
    remove: name,
  });
  if (group !== '' || resource !== 'services') {
    const shown = `&ParentReference{Group:${group},Resource:${resource},Namespace:${namespace},Name:${parent},}`;
    const note = `IPAddress ${name} appears to have been modified, not referencing a Service ${shown}: cleaning up`;
    return warn('IPAddressNotAllocated', note);
  }
  if (now - Date.parse(creationTimestamp) <= ORPHAN_MS) return undefined;
  const whose = `IPAddress: ${name} for Service ${namespace}/${parent}`;
  if (view.service(namespace, parent) === undefined) {
    return warn('IPAddressNotAllocated', `${whose} appears to have leaked: cleaning up`);
  }
  return warn('IPAddressWrongReference', `${whose} has a wrong reference; cleaning up`);
}
