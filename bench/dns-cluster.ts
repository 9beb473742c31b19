/** A large cluster for the benches of DNS: Services, of which each tenth is headless, with ten endpoints each. */
import type { EndpointSlice, Namespace, Service } from '#api/generated/types.ts';
import { service, slice } from '#dns/testing/objects.ts';

export const SERVICES = 10_000;
export const ENDPOINTS_EACH = 10;
const NAMESPACES = 100;

const http = { name: 'http', protocol: 'TCP', port: 80 };
const clusterIp = (i: number): string => `10.96.${i >> 8}.${i & 255}`;
export const endpoint = (i: number): string => `10.${128 + (i >> 16)}.${(i >> 8) & 255}.${i & 255}`;
export const namespace = (i: number): string => `ns-${i % NAMESPACES}`;
export const serviceName = (i: number): string => `service-${i}.${namespace(i)}.svc.cluster.local`;
export const isHeadless = (i: number): boolean => i % 10 === 0;
/** What a ClusterIP Service's name has to answer. */
export const addressOf: (i: number) => string = clusterIp;

export function namespaceObjects(): readonly Namespace[] {
  return Array.from({ length: NAMESPACES }, (_, i) => ({
    apiVersion: 'v1',
    kind: 'Namespace',
    metadata: {
      name: namespace(i),
      uid: `namespace-${i}`,
      resourceVersion: '1',
      creationTimestamp: '2026-01-01T00:00:00Z',
      labels: { 'kubernetes.io/metadata.name': namespace(i) },
    },
    spec: { finalizers: ['kubernetes'] },
    status: { phase: 'Active' },
  }));
}

export function serviceObject(i: number): Service {
  const ip = isHeadless(i) ? 'None' : clusterIp(i);
  return service(
    `service-${i}`,
    { type: 'ClusterIP', clusterIP: ip, clusterIPs: [ip], ports: [http], selector: { app: `service-${i}` } },
    namespace(i),
  );
}

export function sliceObject(i: number, count: number = ENDPOINTS_EACH): EndpointSlice {
  const endpoints = Array.from({ length: count }, (_, n) => ({
    addresses: [endpoint(i * ENDPOINTS_EACH + n)],
    conditions: { ready: true, serving: true, terminating: false },
    nodeName: `node-${n}`,
    targetRef: { kind: 'Pod', namespace: namespace(i), name: `service-${i}-${n}`, uid: `pod-${i}-${n}` },
    ...(i % 20 === 0 ? { hostname: `pod-${n}` } : {}),
  }));
  return slice(`service-${i}`, { ports: [http], endpoints }, `service-${i}-abcde`, namespace(i));
}
