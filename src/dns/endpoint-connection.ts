import { readFileSync } from 'node:fs';
import type { Connection } from '#client/kubeconfig.ts';
import type { ConnectionConfig } from './corefile/server-config.ts';

/** `endpoint URL` with `tls CERT KEY CA` of a Corefile. */
export function endpointConnection({ server, tls }: Extract<ConnectionConfig, { kind: 'endpoint' }>): Connection {
  const files =
    tls === undefined
      ? {}
      : {
          cert: readFileSync(tls.cert, 'utf8'),
          key: readFileSync(tls.key, 'utf8'),
          ca: readFileSync(tls.ca, 'utf8'),
        };
  return { server, ...files, insecureSkipTlsVerify: false, namespace: 'default' };
}
