import { once } from 'node:events';
import { createServer, request as httpRequest } from 'node:http';
import { type AddressInfo, connect, type Socket } from 'node:net';
import { text } from 'node:stream/consumers';

const POD = {
  apiVersion: 'v1',
  kind: 'Pod',
  metadata: { name: 'web', namespace: 'default', uid: 'uid', labels: { app: 'web' } },
  spec: { nodeName: 'node', containers: [{ name: 'main', image: 'host', stdin: true }] },
  status: {
    phase: 'Running',
    conditions: [{ type: 'Ready', status: 'True' }],
    containerStatuses: [{ name: 'main', ready: true, restartCount: 0, state: { running: {} } }],
  },
};

const RESOURCES = {
  kind: 'APIResourceList',
  apiVersion: 'v1',
  groupVersion: 'v1',
  resources: [{ name: 'pods', singularName: 'pod', kind: 'Pod', namespaced: true, verbs: ['get', 'list', 'watch'] }],
};

const ROOMS: Readonly<Record<string, string>> = {
  log: 'containerLogs',
  exec: 'exec',
  attach: 'attach',
  portforward: 'portForward',
};

/**
 * As little of an API server as kubectl's streams need: discovery of Pods, the Pod `default/web`, and its subresources
 * passed on to the node's server as the API server does it.
 */
export class StubApi implements AsyncDisposable {
  readonly url: string;
  readonly #close: () => Promise<void>;

  private constructor(url: string, close: () => Promise<void>) {
    this.url = url;
    this.#close = close;
  }

  static async start(nodeSocket: string): Promise<StubApi> {
    const sockets = new Set<Socket>();
    const server = createServer((request, response) => {
      const url = new URL(request.url ?? '/', 'http://stub');
      const stream = nodePath(url);
      if (stream !== undefined) {
        const forwarded = httpRequest({ socketPath: nodeSocket, path: stream, method: request.method }, (answer) => {
          const code = answer.statusCode ?? 500;
          if (code < 400) {
            response.writeHead(code, answer.headers);
            response.flushHeaders();
            answer.pipe(response);
            return;
          }
          void text(answer).then((message) => {
            const status = { kind: 'Status', apiVersion: 'v1', status: 'Failure', reason: 'BadRequest', code, message };
            response.writeHead(code, { 'Content-Type': 'application/json' }).end(JSON.stringify(status));
          });
        });
        response.once('close', () => forwarded.destroy());
        forwarded.on('error', () => response.destroy());
        request.pipe(forwarded);
        return;
      }
      const body = {
        '/api': { kind: 'APIVersions', versions: ['v1'] },
        '/apis': { kind: 'APIGroupList', apiVersion: 'v1', groups: [] },
        '/api/v1': RESOURCES,
        '/version': { major: '1', minor: '34', gitVersion: 'v1.34.2' },
        '/api/v1/namespaces/default/pods/web': POD,
        '/api/v1/namespaces/default/pods': { apiVersion: 'v1', kind: 'PodList', metadata: {}, items: [POD] },
      }[url.pathname];
      response.writeHead(body === undefined ? 404 : 200, { 'Content-Type': 'application/json' });
      response.end(JSON.stringify(body ?? { kind: 'Status', apiVersion: 'v1', status: 'Failure', code: 404 }));
    });
    server.on('connection', (socket) => {
      sockets.add(socket);
      socket.on('error', () => socket.destroy());
      socket.once('close', () => sockets.delete(socket));
    });
    server.on('upgrade', (request, client, head) => {
      const node = connect(nodeSocket);
      const headers = request.rawHeaders.map((part, i) => (i % 2 === 0 ? `${part}: ` : `${part}\r\n`)).join('');
      const path = nodePath(new URL(request.url ?? '/', 'http://stub')) ?? '/';
      node.write(`${request.method} ${path} HTTP/1.1\r\n${headers}\r\n`);
      if (head.length > 0) node.write(head);
      node.on('error', () => client.destroy());
      node.on('close', () => client.destroy());
      client.on('close', () => node.destroy());
      client.pipe(node);
      node.pipe(client);
    });
    await once(server.listen(0, '127.0.0.1'), 'listening');
    const close = async (): Promise<void> => {
      const closed = new Promise((resolve) => server.close(resolve));
      for (const socket of sockets) socket.destroy();
      await closed;
    };
    return new StubApi(`http://127.0.0.1:${(server.address() as AddressInfo).port}`, close);
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.#close();
  }
}

/** `/api/v1/namespaces/default/pods/web/exec?stdin=true` -> `/exec/default/web/main?input=1`. */
function nodePath(url: URL): string | undefined {
  const [, namespace, pod, subresource] =
    /^\/api\/v1\/namespaces\/([^/]+)\/pods\/([^/]+)\/(log|exec|attach|portforward)$/.exec(url.pathname) ?? [];
  if (subresource === undefined) return undefined;
  const query = new URLSearchParams();
  const names: Readonly<Record<string, string>> = { stdin: 'input', stdout: 'output', stderr: 'error' };
  for (const [name, value] of url.searchParams) {
    if (name !== 'container') query.append(names[name] ?? name, value);
  }
  const container = subresource === 'portforward' ? '' : `/${url.searchParams.get('container') ?? 'main'}`;
  return `/${ROOMS[subresource]}/${namespace}/${pod}${container}?${query.toString()}`;
}
