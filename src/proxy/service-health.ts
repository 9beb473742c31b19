import { familyOf, type ServiceInfo } from './service-ports.ts';
import { endpointsOfPort } from './slice-endpoints.ts';
import type { SliceInfo } from './slice-info.ts';

/** What a load balancer may ask of a Service under externalTrafficPolicy Local, at its healthCheckNodePort. */
export interface ServiceHealth {
  readonly port: number;
  /** Ready ones of this node: those that only terminate do not count, so that load balancers go elsewhere in time. */
  readonly localEndpoints: number;
}

/** undefined for Services that have no such port. */
export function serviceHealth(info: ServiceInfo, slices: readonly SliceInfo[]): ServiceHealth | undefined {
  const { healthCheckPort: port } = info;
  const [clusterIp = ''] = info.clusterIps;
  if (port === 0) return undefined;
  const endpoints = info.ports.flatMap((one) => endpointsOfPort(slices, one, familyOf(clusterIp)));
  const local = new Set(endpoints.filter((one) => one.isLocal && one.isReady).map(({ address }) => address));
  return { port, localEndpoints: local.size };
}
