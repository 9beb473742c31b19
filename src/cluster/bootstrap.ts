import type { Endpoints, EndpointSlice, Namespace, Service, StorageClass } from '#api/generated/types.ts';
import type { NewObject } from '#api/object.ts';
import { endpoints, endpointSlices, namespaces, services, storageClasses } from '#api/resource.ts';
import { isReason, type Client } from '#client/client.ts';
import type { KubernetesService } from '#controllers/kubernetes-service.ts';
import { LOCAL_PROVISIONER } from '#controllers/volume/provisioner.ts';
import type { NetworkPlan } from './network-plan.ts';

/** Where the API server listens on the fabric, as Pods reach it through default/kubernetes. */
export const API_FABRIC_PORT = 6443;
export const DNS_PORT = 53;
/** Of DNS: /metrics, /health, /ready. */
export const DNS_METRICS_PORT = 9153;

interface SystemService {
  readonly namespace: string;
  readonly name: string;
  readonly clusterIP: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly ports: readonly {
    readonly name: string;
    readonly protocol: string;
    readonly port: number;
    readonly target: number;
  }[];
}

/** For claims that name none. Volumes are made when their first Pod has a node, and go with their claim. */
const STANDARD_CLASS: NewObject<StorageClass> = {
  apiVersion: 'storage.k8s.io/v1',
  kind: 'StorageClass',
  metadata: { name: 'standard', annotations: { 'storageclass.kubernetes.io/is-default-class': 'true' } },
  provisioner: LOCAL_PROVISIONER,
  reclaimPolicy: 'Delete',
  volumeBindingMode: 'WaitForFirstConsumer',
  allowVolumeExpansion: true,
};

/** The namespaces and the two Services that every cluster has; what is there already stays as it is. */
export async function bootstrap(client: Client, plan: NetworkPlan): Promise<void> {
  const names = ['default', 'kube-system', 'kube-public', 'kube-node-lease'];
  const made = await Promise.all(names.map((name) => ensure(client.create(namespaces, namespace(name)))));
  // Only a new cluster gets it: whoever deleted it has a class of his own.
  if (made[0] === true) await ensure(client.create(storageClasses, STANDARD_CLASS));
  await Promise.all(
    [kubernetesService(plan), dnsService(plan)].flatMap(({ service, endpoints: addresses, endpointSlice }) => [
      ensure(client.create(services, service)),
      ensure(client.create(endpoints, addresses)),
      ensure(client.create(endpointSlices, endpointSlice)),
    ]),
  );
}

/** False when it was there already. */
async function ensure(creation: Promise<unknown>): Promise<boolean> {
  try {
    await creation;
    return true;
  } catch (error) {
    if (!isReason(error, 'AlreadyExists')) throw error;
    return false;
  }
}

export function kubernetesService(plan: NetworkPlan): KubernetesService {
  return objectsOf(plan, {
    namespace: 'default',
    name: 'kubernetes',
    clusterIP: plan.kubernetesIp,
    labels: { component: 'apiserver', provider: 'kubernetes' },
    ports: [{ name: 'https', protocol: 'TCP', port: 443, target: API_FABRIC_PORT }],
  });
}

function dnsService(plan: NetworkPlan): KubernetesService {
  return objectsOf(plan, {
    namespace: 'kube-system',
    name: 'kube-dns',
    clusterIP: plan.dnsIp,
    labels: { 'k8s-app': 'kube-dns', 'kubernetes.io/cluster-service': 'true', 'kubernetes.io/name': 'clusterip' },
    ports: [
      { name: 'dns', protocol: 'UDP', port: 53, target: DNS_PORT },
      { name: 'dns-tcp', protocol: 'TCP', port: 53, target: DNS_PORT },
      { name: 'metrics', protocol: 'TCP', port: 9153, target: DNS_METRICS_PORT },
    ],
  });
}

function objectsOf({ controlAddresses: [address = ''] }: NetworkPlan, service: SystemService): KubernetesService {
  return {
    service: serviceOf(service),
    endpoints: endpointsOf(service, address),
    endpointSlice: endpointSliceOf(service, address),
  };
}

function namespace(name: string): NewObject<Namespace> {
  return { apiVersion: 'v1', kind: 'Namespace', metadata: { name } };
}

function serviceOf({ namespace, name, clusterIP, labels, ports }: SystemService): NewObject<Service> {
  return {
    apiVersion: 'v1',
    kind: 'Service',
    metadata: { namespace, name, labels },
    spec: {
      clusterIP,
      ports: ports.map(({ name: portName, protocol, port, target }) => ({
        name: portName,
        protocol,
        port,
        targetPort: target,
      })),
    },
  };
}

function endpointsOf({ namespace, name, ports }: SystemService, ip: string): NewObject<Endpoints> {
  return {
    apiVersion: 'v1',
    kind: 'Endpoints',
    // The slice beside it is made here as well, so there is nothing to mirror.
    metadata: { namespace, name, labels: { 'endpointslice.kubernetes.io/skip-mirror': 'true' } },
    subsets: [
      {
        addresses: [{ ip }],
        ports: ports.map(({ name: portName, protocol, target }) => ({ name: portName, protocol, port: target })),
      },
    ],
  };
}

function endpointSliceOf({ namespace, name, ports }: SystemService, ip: string): NewObject<EndpointSlice> {
  return {
    apiVersion: 'discovery.k8s.io/v1',
    kind: 'EndpointSlice',
    metadata: { namespace, name, labels: { 'kubernetes.io/service-name': name } },
    addressType: ip.includes(':') ? 'IPv6' : 'IPv4',
    endpoints: [{ addresses: [ip], conditions: { ready: true } }],
    ports: ports.map(({ name: portName, protocol, target }) => ({ name: portName, protocol, port: target })),
  };
}
