/** A large cluster for the benches of DNS: Services, of which each tenth is headless, with ten endpoints each. */
import type { EndpointSlice, Namespace, Pod, Service } from '#api/generated/types.ts';
import { pod, service, slice } from '#dns/testing/objects.ts';

export const SERVICES = 10_000;
export const ENDPOINTS_EACH = 10;
export const PODS: number = SERVICES * ENDPOINTS_EACH;
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

const container = {
  name: 'main',
  image: 'registry.example/team/service@sha256:4bcff63911fcb4448bd4fdacec207030997caf25e9bea4045fa6c8c44de311d1',
  ports: [{ name: 'http', containerPort: 80, protocol: 'TCP' as const }],
  env: Array.from({ length: 8 }, (_, i) => ({ name: `SETTING_${i}`, value: `some value of a setting, ${i}` })),
  resources: { requests: { cpu: '100m', memory: '128Mi' }, limits: { memory: '256Mi' } },
  terminationMessagePath: '/dev/termination-log',
  imagePullPolicy: 'IfNotPresent' as const,
};

/** As long as Pods are: some 2 kB. */
export function podObject(i: number): Pod {
  const owner = Math.floor(i / ENDPOINTS_EACH);
  const made = pod(`service-${owner}-7d4b9c6f5d-${i.toString(36).padStart(5, '0')}`, endpoint(i), {
    namespace: namespace(owner),
    spec: { containers: [container], nodeName: `node-${i % 1000}`, serviceAccountName: 'default' },
  });
  const uid = `0b9f3c1e-5f0a-4d57-9c2b-${i.toString(16).padStart(12, '0')}`;
  return { ...made, metadata: { ...made.metadata, uid, labels: { app: `service-${owner}`, tier: 'backend' } } };
}
