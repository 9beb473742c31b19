import type { EndpointSlice, Service, ServiceSpec } from '#api/generated/types.ts';
import type { ObjectMeta } from '#api/object.ts';

export interface TestPort {
  readonly name?: string;
  readonly protocol?: 'TCP' | 'UDP' | 'SCTP';
  readonly port: number;
  readonly nodePort?: number;
}

function metadata(name: string, labels: Readonly<Record<string, string>> = {}): ObjectMeta {
  return {
    name,
    namespace: 'default',
    uid: name,
    resourceVersion: '1',
    creationTimestamp: '2026-01-01T00:00:00Z',
    labels,
  };
}

/** `service('web', '10.96.0.10', [{ port: 80 }])` in the namespace default. */
export function service(
  name: string,
  clusterIP: string,
  ports: readonly TestPort[],
  more: { readonly labels?: Readonly<Record<string, string>>; readonly spec?: Partial<ServiceSpec> } = {},
): Service {
  const spec = { clusterIP, clusterIPs: [clusterIP], type: 'ClusterIP', ports, ...more.spec };
  return { apiVersion: 'v1', kind: 'Service', metadata: metadata(name, more.labels), spec, status: {} };
}

/**
 * A slice of a Service from lines such as `10.244.0.5`, `10.244.0.6 node=b`, `10.244.0.7 notready`,
 * `10.244.0.8 terminating`.
 */
export function slice(
  of: string,
  endpoints: readonly string[],
  ports: readonly TestPort[],
  more: { readonly name?: string; readonly addressType?: string } = {},
): EndpointSlice {
  return {
    apiVersion: 'discovery.k8s.io/v1',
    kind: 'EndpointSlice',
    metadata: metadata(more.name ?? `${of}-1`, { 'kubernetes.io/service-name': of }),
    addressType: more.addressType ?? 'IPv4',
    ports,
    endpoints: endpoints.map((line) => {
      const [address = '', ...words] = line.split(' ');
      const node = words.find((word) => word.startsWith('node='))?.slice('node='.length) ?? 'a';
      const terminating = words.includes('terminating');
      const conditions = {
        ready: !terminating && !words.includes('notready'),
        serving: !words.includes('notready'),
        terminating,
      };
      return { addresses: [address], nodeName: node, conditions };
    }),
  };
}
