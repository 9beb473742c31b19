import type { StdioRequest } from './remote-session.ts';

export interface LogRequest {
  readonly kind: 'log';
  readonly namespace: string;
  readonly pod: string;
  readonly container: string;
  readonly query: URLSearchParams;
}

/** What a path of the node's server asks for. */
export type StreamRequest =
  | LogRequest
  | ({
      readonly kind: 'exec' | 'attach';
      readonly namespace: string;
      readonly pod: string;
      readonly container: string;
      readonly command: readonly string[];
    } & StdioRequest)
  | {
      readonly kind: 'portForward';
      readonly namespace: string;
      readonly pod: string;
      readonly ports: readonly number[];
    };

/** Reads `/containerLogs/ns/pod/container`, `/exec/...`, `/attach/...` or `/portForward/ns/pod`. */
export function parseStreamRequest(target: string): StreamRequest | undefined {
  const url = URL.parse(target, 'http://node');
  if (url === null) return undefined;
  let segments: string[];
  try {
    segments = url.pathname
      .slice(1)
      .split('/')
      .map((segment) => decodeURIComponent(segment));
  } catch {
    return undefined;
  }
  const [room, namespace, pod, container, ...rest] = segments;
  if (!namespace || !pod || rest.length > 0) return undefined;
  const query = url.searchParams;
  if (room === 'portForward' && container === undefined) {
    const ports = [...query.getAll('port'), ...query.getAll('ports')].flatMap((list) => list.split(','));
    return { kind: 'portForward', namespace, pod, ports: ports.filter((port) => port !== '').map(Number) };
  }
  if (!container) return undefined;
  if (room === 'containerLogs') return { kind: 'log', namespace, pod, container, query };
  if (room !== 'exec' && room !== 'attach') return undefined;
  const asked = (name: string): boolean => ['1', 'true'].includes(query.get(name) ?? '');
  const tty = asked('tty');
  return {
    kind: room,
    namespace,
    pod,
    container,
    command: query.getAll('command'),
    stdin: asked('input'),
    stdout: asked('output'),
    // A terminal has one output.
    stderr: asked('error') && !tty,
    tty,
  };
}
