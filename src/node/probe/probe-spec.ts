import type { Container, Probe } from '#api/generated/types.ts';

export type ProbeKind = 'startup' | 'liveness' | 'readiness';

export type ProbeTarget =
  | {
      readonly kind: 'http';
      readonly tls: boolean;
      readonly host: string;
      readonly port: number;
      readonly path: string;
      readonly headers: readonly (readonly [string, string])[];
    }
  | { readonly kind: 'tcp'; readonly host: string; readonly port: number }
  | { readonly kind: 'grpc'; readonly host: string; readonly port: number; readonly service: string }
  | { readonly kind: 'exec'; readonly command: readonly string[] };

export interface ProbeSpec {
  readonly kind: ProbeKind;
  readonly target: ProbeTarget;
  readonly delayMs: number;
  readonly periodMs: number;
  readonly timeoutMs: number;
  readonly successes: number;
  readonly failures: number;
}

/** With the defaults of the API, which writes them down itself; undefined when nothing is to be probed. */
export function probeSpec(
  kind: ProbeKind,
  probe: Probe | undefined,
  container: Container,
  podIp: string,
): ProbeSpec | undefined {
  const target = probe && probeTarget(probe, container, podIp);
  if (probe === undefined || target === undefined) return undefined;
  return {
    kind,
    target,
    delayMs: (probe.initialDelaySeconds ?? 0) * 1000,
    periodMs: (probe.periodSeconds ?? 10) * 1000,
    timeoutMs: (probe.timeoutSeconds ?? 1) * 1000,
    successes: probe.successThreshold ?? 1,
    failures: probe.failureThreshold ?? 3,
  };
}

export function probeTarget(
  { httpGet, tcpSocket, exec, grpc }: Pick<Probe, 'httpGet' | 'tcpSocket' | 'exec' | 'grpc'>,
  container: Container,
  podIp: string,
): ProbeTarget | undefined {
  if (httpGet !== undefined) {
    return {
      kind: 'http',
      tls: httpGet.scheme === 'HTTPS',
      host: httpGet.host ?? podIp,
      port: portNumber(httpGet.port, container),
      path: httpGet.path ?? '/',
      headers: (httpGet.httpHeaders ?? []).map(({ name, value }) => [name, value]),
    };
  }
  if (tcpSocket !== undefined) {
    return { kind: 'tcp', host: tcpSocket.host ?? podIp, port: portNumber(tcpSocket.port, container) };
  }
  if (grpc !== undefined) return { kind: 'grpc', host: podIp, port: grpc.port, service: grpc.service ?? '' };
  return exec === undefined ? undefined : { kind: 'exec', command: exec.command ?? [] };
}

/** A name that no port has becomes 0, to which nothing ever connects. */
function portNumber(port: number | string, container: Container): number {
  if (typeof port === 'number') return port;
  const named = container.ports?.find(({ name }) => name === port)?.containerPort;
  return named ?? (/^\d+$/.test(port) ? Number(port) : 0);
}
