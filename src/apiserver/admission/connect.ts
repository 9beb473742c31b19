import type { KubeObject } from '#api/object.ts';
import type { UserInfo } from '#api/request.ts';
import type { ServerContext } from '../context.ts';
import type { RequestInfo } from '../request-info.ts';
import { validateWrite } from './webhook/webhook-admission.ts';

/** A request for a connection: exec, attach, port-forward or proxy. */
export interface ConnectRequest {
  readonly info: RequestInfo;
  readonly path: string;
  readonly query: URLSearchParams;
  readonly user: UserInfo;
}

/** What webhooks and policies are shown is what is asked for, as an object of a kind of its own. */
const OPTIONS: Readonly<Record<string, string>> = {
  'pods/exec': 'PodExecOptions',
  'pods/attach': 'PodAttachOptions',
  'pods/portforward': 'PodPortForwardOptions',
  'pods/proxy': 'PodProxyOptions',
  'services/proxy': 'ServiceProxyOptions',
  'nodes/proxy': 'NodeProxyOptions',
};

/** Asks whether the connection may be made. @throws {StatusError} when it may not */
export async function admitConnect(server: ServerContext, { info, path, query, user }: ConnectRequest): Promise<void> {
  if (info.kind !== 'resource' || info.group !== '') return;
  const { plural, subresource = '', name = '', namespace } = info;
  const optionsKind = OPTIONS[`${plural}/${subresource}`];
  const kind = server.registry.byPlural('', 'v1', plural);
  if (optionsKind === undefined || kind === undefined) return;
  const given = subresource === 'proxy' ? { path: `/${info.rest}` } : streamOptions(query);
  const object = { kind: optionsKind, apiVersion: 'v1', ...given } as unknown as KubeObject;
  await validateWrite({
    server,
    kind: { ...kind, resource: { ...kind.resource, kind: optionsKind } },
    request: { method: 'GET', path, query: Object.fromEntries(query), user },
    operation: 'CONNECT',
    subresource,
    name,
    namespace,
    object,
    old: undefined,
    dryRun: false,
  });
}

function streamOptions(query: URLSearchParams): object {
  const isOn = (name: string): boolean => !['', '0', 'false'].includes(query.get(name) ?? '');
  const on = ['stdin', 'stdout', 'stderr', 'tty'].filter(isOn).map((name) => [name, true] as const);
  const container = query.get('container') ?? '';
  const command = query.getAll('command');
  const ports = query.getAll('ports').flatMap((list) => list.split(',').map(Number));
  return {
    ...Object.fromEntries(on),
    ...(container === '' ? {} : { container }),
    ...(command.length === 0 ? {} : { command }),
    ...(ports.length === 0 ? {} : { ports }),
  };
}
