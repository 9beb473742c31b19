import type { Pod } from '#api/generated/types.ts';
import { badRequest, notFoundStatus } from '#api/status.ts';
import { pods } from '#api/resource.ts';
import { find, type ServerContext } from './context.ts';
import { StatusError } from './status-error.ts';

/** Where the streams of a Pod are served: a path of its node's own server. */
export interface PodTarget {
  /** Undefined while the Pod waits for a node. */
  readonly nodeName: string | undefined;
  readonly path: string;
}

export type StreamKind = 'log' | 'exec' | 'attach' | 'portforward';

export function isStreamKind(subresource: string | undefined): subresource is StreamKind {
  return subresource === 'log' || subresource === 'exec' || subresource === 'attach' || subresource === 'portforward';
}

/** The node's path and query for a stream; the names on the node's side are the kubelet's. */
export function podTarget(
  server: Pick<ServerContext, 'storage'>,
  stream: StreamKind,
  at: { readonly namespace: string; readonly name: string },
  query: URLSearchParams,
): PodTarget {
  const pod = find(server, pods, `${at.namespace}/${at.name}`);
  if (pod === undefined) throw new StatusError(notFoundStatus(pods, at.name));
  const where = `${encodeURIComponent(at.namespace)}/${encodeURIComponent(at.name)}`;
  const nodeName = pod.spec?.nodeName || undefined;
  const container = stream === 'portforward' ? '' : containerOf(pod, query.get('container') ?? '');
  if (nodeName === undefined && stream !== 'log') {
    throw new StatusError(badRequest(`pod ${at.name} does not have a host assigned`));
  }
  const path = { log: 'containerLogs', exec: 'exec', attach: 'attach', portforward: 'portForward' }[stream];
  const parameters = nodeQuery(stream, query).toString();
  const suffix = parameters === '' ? '' : `?${parameters}`;
  return { nodeName, path: `/${path}/${where}${container === '' ? '' : `/${container}`}${suffix}` };
}

function names(containers: readonly { readonly name: string }[] | undefined): string[] {
  return (containers ?? []).map(({ name }) => name);
}

function containerOf(pod: Pod, wanted: string): string {
  const regular = names(pod.spec?.containers);
  const init = names(pod.spec?.initContainers);
  const ephemeral = names(pod.spec?.ephemeralContainers);
  const { name } = pod.metadata;
  if (wanted !== '') {
    if ([...regular, ...init, ...ephemeral].includes(wanted)) return wanted;
    throw new StatusError(badRequest(`container ${wanted} is not valid for pod ${name}`));
  }
  const [only, second] = regular;
  if (only !== undefined && second === undefined) return only;
  let text = `a container name must be specified for pod ${name}`;
  if (only !== undefined) {
    text += `, choose one of: [${regular.join(' ')}]`;
    if (init.length > 0) text += ` or one of the init containers: [${init.join(' ')}]`;
    if (ephemeral.length > 0) text += ` or one of the ephemeral containers: [${ephemeral.join(' ')}]`;
  }
  throw new StatusError(badRequest(text));
}

const LOG_PARAMETERS = [
  'follow',
  'previous',
  'timestamps',
  'sinceSeconds',
  'sinceTime',
  'tailLines',
  'limitBytes',
  'stream',
] as const;

/** The API's name of a standard stream, and the node's. */
const STREAM_PARAMETERS = [
  ['stdin', 'input'],
  ['stdout', 'output'],
  ['stderr', 'error'],
  ['tty', 'tty'],
] as const;

function nodeQuery(stream: StreamKind, query: URLSearchParams): URLSearchParams {
  const out = new URLSearchParams();
  if (stream === 'log') {
    for (const name of LOG_PARAMETERS) {
      const value = query.get(name);
      if (value !== null && value !== '') out.set(name, value);
    }
    return out;
  }
  if (stream === 'portforward') {
    // `ports` is the API's name of it (PodPortForwardOptions), with commas or several times.
    const ports = [...query.getAll('ports'), ...query.getAll('port')].flatMap((list) => list.split(','));
    for (const port of ports) out.append('port', port);
    return out;
  }
  for (const [name, nodeName] of STREAM_PARAMETERS) {
    const value = query.get(name);
    if (value !== null && value !== '0' && value !== 'false') out.set(nodeName, '1');
  }
  for (const command of query.getAll('command')) out.append('command', command);
  return out;
}
