import { Agent as HttpAgent, request as httpRequest, type ClientRequest, type IncomingMessage } from 'node:http';
import { Agent as HttpsAgent, request as httpsRequest, type RequestOptions } from 'node:https';
import { createInterface } from 'node:readline';
import { type WatchEvent } from '#api/object.ts';
import { type Connection } from './kubeconfig.ts';
import { apiErrorOf, type Transport, type TransportRequest, type TransportResponse } from './transport.ts';

/** Any cluster over HTTPS (or HTTP where the server's URL says so), on connections that are kept for the next request. */
export function httpsTransport(connection: Connection): Transport & Disposable {
  const secure = connection.server.startsWith('https:');
  const agent = secure
    ? new HttpsAgent({ keepAlive: true, ...tlsOptions(connection) })
    : new HttpAgent({ keepAlive: true });
  const send = (request: TransportRequest, signal?: AbortSignal): Promise<IncomingMessage> =>
    sendRequest(
      connection,
      { ...request, signal: signal ?? request.signal },
      secure ? httpsRequest : httpRequest,
      agent,
    );
  return {
    async request(request) {
      const response = await send(request);
      return readResponse(response);
    },
    async *watch(request, signal) {
      const response = await send({ ...request, query: { ...request.query, watch: 'true' } }, signal);
      if (response.statusCode !== 200) {
        const { status, body } = await readResponse(response);
        throw apiErrorOf(status, body);
      }
      try {
        for await (const line of createInterface({ input: response, crlfDelay: Number.POSITIVE_INFINITY })) {
          if (line !== '') yield JSON.parse(line) as WatchEvent;
        }
      } catch (error) {
        if (!signal.aborted) throw error;
      } finally {
        response.destroy();
      }
    },
    [Symbol.dispose]: () => agent.destroy(),
  };
}

export interface TlsOptions {
  readonly ca?: string;
  readonly cert?: string;
  readonly key?: string;
  readonly rejectUnauthorized: boolean;
}

export function tlsOptions(connection: Connection): TlsOptions {
  return {
    ...(connection.ca === undefined ? {} : { ca: connection.ca }),
    ...(connection.cert === undefined ? {} : { cert: connection.cert }),
    ...(connection.key === undefined ? {} : { key: connection.key }),
    rejectUnauthorized: !connection.insecureSkipTlsVerify,
  };
}

type Send = (url: URL, options: RequestOptions, onResponse: (response: IncomingMessage) => void) => ClientRequest;

function sendRequest(
  connection: Connection,
  request: TransportRequest,
  send: Send,
  agent: HttpAgent,
): Promise<IncomingMessage> {
  const url = new URL(`${connection.server}${request.path}`);
  for (const [key, value] of Object.entries(request.query ?? {})) url.searchParams.append(key, value);
  const body = encodeBody(request.body);
  const token = connection.token?.();
  const options: RequestOptions = {
    agent,
    method: request.method,
    headers: {
      Accept: request.accept ?? 'application/json',
      'User-Agent': 'clusterip',
      ...(body === undefined ? {} : { 'Content-Type': request.contentType ?? 'application/json' }),
      ...(body === undefined ? {} : { 'Content-Length': body.length }),
      ...(token === undefined ? {} : { Authorization: `Bearer ${token}` }),
    },
    ...(request.signal === undefined ? {} : { signal: request.signal }),
  };
  return new Promise((resolve, reject) => {
    const outgoing = send(url, options, resolve);
    outgoing.once('error', reject);
    outgoing.end(body);
  });
}

function encodeBody(body: unknown): Buffer | undefined {
  if (body === undefined) return undefined;
  return Buffer.from(typeof body === 'string' ? body : JSON.stringify(body));
}

async function readResponse(response: IncomingMessage): Promise<TransportResponse> {
  const chunks: Buffer[] = [];
  for await (const chunk of response) chunks.push(chunk as Buffer);
  const text = Buffer.concat(chunks).toString('utf8');
  const contentType = response.headers['content-type'];
  const warnings = response.headersDistinct['warning'];
  return {
    status: response.statusCode ?? 0,
    body: contentType?.includes('json') === true && text !== '' ? (JSON.parse(text) as unknown) : text,
    contentType,
    ...(warnings === undefined ? {} : { warnings }),
  };
}
