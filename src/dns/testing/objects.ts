/** Services, slices and Pods for tests, with no more than DNS looks at. */
import type { EndpointSlice, Pod, Service } from '#api/generated/types.ts';
import type { ObjectMeta } from '#api/object.ts';

function meta(name: string, namespace: string, labels: Record<string, string> = {}): ObjectMeta {
  return {
    name,
    namespace,
    uid: `${namespace}/${name}`,
    resourceVersion: '1',
    creationTimestamp: '2026-01-01T00:00:00Z',
    labels,
  };
}

export function service(name: string, spec: Service['spec'], namespace = 'ns'): Service {
  return { apiVersion: 'v1', kind: 'Service', metadata: meta(name, namespace), spec, status: {} };
}

export function slice(
  service: string,
  rest: Partial<EndpointSlice>,
  name: string = service,
  namespace = 'ns',
): EndpointSlice {
  return {
    apiVersion: 'discovery.k8s.io/v1',
    kind: 'EndpointSlice',
    metadata: meta(name, namespace, { 'kubernetes.io/service-name': service }),
    addressType: 'IPv4',
    endpoints: [],
    ...rest,
  };
}

export function pod(
  name: string,
  podIP: string,
  {
    namespace = 'ns',
    phase = 'Running',
    deleting = false,
    spec = {},
  }: {
    readonly namespace?: string;
    readonly phase?: string;
    readonly deleting?: boolean;
    readonly spec?: Partial<Pod['spec']>;
  } = {},
): Pod {
  const metadata = meta(name, namespace);
  return {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: deleting ? { ...metadata, deletionTimestamp: '2026-01-01T00:00:00Z' } : metadata,
    spec: { containers: [], ...spec },
    status: { phase, podIP, podIPs: [{ ip: podIP }] },
  };
}
