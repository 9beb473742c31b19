import type { Pki } from './pki.ts';

export interface Named {
  readonly name: string;
  readonly [key: string]: unknown;
}

/** A kubeconfig as far as we touch it; every other key passes through. */
export interface Kubeconfig {
  readonly apiVersion: string;
  readonly kind: string;
  readonly clusters?: readonly Named[] | null;
  readonly contexts?: readonly Named[] | null;
  readonly users?: readonly Named[] | null;
  readonly 'current-context'?: string;
  readonly [key: string]: unknown;
}

export const EMPTY_KUBECONFIG: Kubeconfig = {
  apiVersion: 'v1',
  kind: 'Config',
  clusters: [],
  contexts: [],
  users: [],
  preferences: {},
};

export function contextName(cluster: string): string {
  return `clusterip-${cluster}`;
}

/** A kubeconfig with this one cluster in it. */
export function clusterKubeconfig(cluster: string, server: string, pki: Pki): Kubeconfig {
  const name = contextName(cluster);
  const data = (pem: string): string => Buffer.from(pem).toString('base64');
  return {
    ...EMPTY_KUBECONFIG,
    clusters: [{ name, cluster: { server, 'certificate-authority-data': data(pki.caCert) } }],
    users: [{ name, user: { 'client-certificate-data': data(pki.adminCert), 'client-key-data': data(pki.adminKey) } }],
    contexts: [{ name, context: { cluster: name, user: name } }],
    'current-context': name,
  };
}

/** JSON is YAML, too: the daemon needs no YAML library, 4 MB of memory, for the one file that it writes. */
export function kubeconfigText(config: Kubeconfig): string {
  return `${JSON.stringify(config, null, 2)}\n`;
}
