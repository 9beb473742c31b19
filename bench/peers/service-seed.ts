import { randomUUID } from 'node:crypto';

/** An object under the key that kube-apiserver has it at in etcd. */
export interface StoredObject {
  readonly key: string;
  readonly object: object;
}

/** What a Service, its slice and its address are in etcd: all that kube-apiserver fills in is there already. */
export function serviceObjects(index: number, endpoints: readonly object[]): readonly StoredObject[] {
  const name = `svc-${index}`;
  const clusterIP = `10.${97 + (index >> 16)}.${(index >> 8) & 255}.${index & 255}`;
  const metadata = { creationTimestamp: '2026-01-01T00:00:00Z', generation: 1 };
  const own = (labels: Readonly<Record<string, string>>): object => ({
    ...metadata,
    name,
    namespace: 'default',
    uid: randomUUID(),
    labels,
  });
  return [
    {
      key: `/registry/ipaddresses/${clusterIP}`,
      object: {
        apiVersion: 'networking.k8s.io/v1',
        kind: 'IPAddress',
        metadata: {
          ...metadata,
          name: clusterIP,
          uid: randomUUID(),
          labels: {
            'ipaddress.kubernetes.io/ip-family': 'IPv4',
            'ipaddress.kubernetes.io/managed-by': 'ipallocator.k8s.io',
          },
        },
        spec: { parentRef: { group: '', resource: 'services', namespace: 'default', name } },
      },
    },
    {
      key: `/registry/services/specs/default/${name}`,
      object: {
        apiVersion: 'v1',
        kind: 'Service',
        metadata: own({ app: name }),
        spec: {
          clusterIP,
          clusterIPs: [clusterIP],
          type: 'ClusterIP',
          ports: [{ protocol: 'TCP', port: 80, targetPort: 80 }],
          ipFamilies: ['IPv4'],
          ipFamilyPolicy: 'SingleStack',
          sessionAffinity: 'None',
          internalTrafficPolicy: 'Cluster',
        },
        status: { loadBalancer: {} },
      },
    },
    {
      key: `/registry/endpointslices/default/${name}`,
      object: {
        apiVersion: 'discovery.k8s.io/v1',
        kind: 'EndpointSlice',
        metadata: own({ 'kubernetes.io/service-name': name }),
        addressType: 'IPv4',
        ports: [{ name: '', port: 8080, protocol: 'TCP' }],
        endpoints,
      },
    },
  ];
}
