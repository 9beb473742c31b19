import type { Agent as HttpAgent, ClientRequest, IncomingMessage } from 'node:http';
import { Agent as HttpsAgent, request as httpsRequest, type RequestOptions } from 'node:https';
import { http } from '#base/http.ts';
import type { WatchEvent } from '#api/object.ts';
import type { Connection, Pem } from './kubeconfig.ts';
import { ListSplitter } from './list-splitter.ts';
import {
  apiErrorOf,
  type ListReader,
  type Transport,
  type TransportRequest,
  type TransportResponse,
} from './transport.ts';

/** A peer that says nothing for this long in the middle of something is gone, even if its TCP connection is not. */
const SILENCE_MS = 60_000;

/** Servers that send bookmarks send one every minute, and one that stops has hung, whatever its TCP connection says. */
const BOOKMARK_SILENCE_MS = 150_000;

/**
 * A watch may be silent for minutes. After this time the kernel asks the peer once a second whether it is still there, and
 * gives up after ten: a load balancer that forgot us costs half a minute.
 */
const KEEP = { keepAlive: true, keepAliveMsecs: 15_000 } as const;

/** Five to ten minutes, after which the server ends a watch; spread out, so that not all clients come back at once. */
function watchSeconds(): string {
  return String(300 + Math.floor(Math.random() * 300));
}

/** Told of a request as it is sent; what it returns is told of the answer's status, or of none where there was no answer. */
export type RequestObserver = (method: string) => (status?: number) => void;

export interface HttpsTransportOptions {
  readonly observe?: RequestObserver | undefined;
  /** How long a watch may be silent once it had a bookmark. @default 150,000 */
  readonly bookmarkSilenceMs?: number | undefined;
}

/** Any cluster over HTTPS (or HTTP where the server's URL says so), on connections that are kept for the next request. */
export function httpsTransport(connection: Connection, options: HttpsTransportOptions = {}): Transport & Disposable {
  const { observe, bookmarkSilenceMs = BOOKMARK_SILENCE_MS } = options;
  const secure = connection.server.startsWith('https:');
  const { proxyUrl } = connection;
  const proxyEnv = proxyUrl === undefined ? undefined : { HTTP_PROXY: proxyUrl, HTTPS_PROXY: proxyUrl };
  const kept = { ...KEEP, proxyEnv };
  const agent = secure ? new HttpsAgent(kept) : new http.Agent(kept);
  const send = (request: TransportRequest, silenceMs: number = SILENCE_MS): Promise<IncomingMessage> =>
    sendRequest(connection, request, { send: secure ? httpsRequest : http.request, agent, silenceMs, observe });
  return {
    async request(request) {
      const response = await send(request);
      return request.items === undefined || response.statusCode !== 200 || !isJson(response)
        ? readResponse(response)
        : readList(response, request.items);
    },
    async *watch(request, signal) {
      const seconds = request.query?.['timeoutSeconds'] ?? watchSeconds();
      const query = { ...request.query, watch: 'true', timeoutSeconds: seconds };
      try {
        const response = await send({ ...request, query, signal }, Number(seconds) * 1000 + SILENCE_MS);
        if (response.statusCode !== 200) {
          const { status, body } = await readResponse(response);
          throw apiErrorOf(status, body, retryAfterOf(response));
        }
        for await (const line of linesOf(response)) {
          const event = JSON.parse(line) as WatchEvent;
          if (event.type === 'BOOKMARK') response.setTimeout(bookmarkSilenceMs);
          yield event;
        }
      } catch (error) {
        if (!signal.aborted) throw error;
      }
    },
    [Symbol.dispose]: () => agent.destroy(),
  };
}

export interface TlsOptions {
  readonly ca?: string;
  readonly cert?: string;
  readonly key?: string;
  readonly servername?: string;
  readonly rejectUnauthorized: boolean;
}

export function tlsOptions(connection: Connection): TlsOptions {
  return {
    ...pem('ca', connection.ca),
    ...pem('cert', connection.cert),
    ...pem('key', connection.key),
    ...(connection.tlsServerName === undefined ? {} : { servername: connection.tlsServerName }),
    rejectUnauthorized: !connection.insecureSkipTlsVerify,
  };
}

function pem(name: 'ca' | 'cert' | 'key', value: Pem | undefined): { readonly [name: string]: string } {
  if (value === undefined) return {};
  return { [name]: typeof value === 'string' ? value : value() };
}

interface Wire {
  readonly send: (url: URL, options: RequestOptions, onResponse: (response: IncomingMessage) => void) => ClientRequest;
  readonly agent: HttpAgent;
  readonly silenceMs: number;
  readonly observe: RequestObserver | undefined;
}

function sendRequest(
  connection: Connection,
  request: TransportRequest,
  { send, agent, silenceMs, observe }: Wire,
): Promise<IncomingMessage> {
  const url = new URL(`${connection.server}${request.path}`);
  for (const [key, value] of Object.entries(request.query ?? {})) url.searchParams.append(key, value);
  const body = encodeBody(request.body);
  const token = connection.token?.();
  const options: RequestOptions = {
    agent,
    // Other certificates are other connections: files of them are replaced while we run.
    ...tlsOptions(connection),
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
    let observed = observe?.(request.method);
    const tell = (status?: number): void => {
      observed?.(status);
      observed = undefined;
    };
    const outgoing = send(url, options, (response) => {
      tell(response.statusCode);
      resolve(response);
    });
    outgoing.once('error', (error) => {
      tell();
      reject(error);
    });
    outgoing.setTimeout(silenceMs, () => {
      outgoing.destroy(new Error(`Cannot reach ${connection.server}: no answer for ${silenceMs / 1000} s`));
    });
    outgoing.end(body);
  });
}

function encodeBody(body: unknown): Buffer | undefined {
  if (body === undefined) return undefined;
  return Buffer.from(typeof body === 'string' ? body : JSON.stringify(body));
}

/** The lines of a stream that is never whole: a watch. Where the connection is cut it has ended; half a line says nothing. */
async function* linesOf(response: IncomingMessage): AsyncGenerator<string> {
  response.setEncoding('utf8');
  let rest = '';
  try {
    for await (const chunk of response as AsyncIterable<string>) {
      const lines = (rest + chunk).split('\n');
      rest = lines.pop() ?? '';
      for (const line of lines) if (line !== '') yield line;
    }
  } catch {
    // The server, the network or a load balancer ended it.
  }
}

/** Seconds; the HTTP date that the header may be instead is not what API servers send. */
function retryAfterOf(response: IncomingMessage): number | undefined {
  const seconds = Number(response.headers['retry-after']);
  return Number.isFinite(seconds) && seconds >= 0 ? seconds : undefined;
}

function isJson({ headers }: IncomingMessage): boolean {
  return headers['content-type']?.includes('json') === true;
}

async function readList(response: IncomingMessage, reader: ListReader): Promise<TransportResponse> {
  const splitter = new ListSplitter(reader);
  for await (const chunk of response) splitter.push(chunk as Buffer);
  return { status: 200, body: splitter.end() };
}

async function readResponse(response: IncomingMessage): Promise<TransportResponse> {
  const chunks: Buffer[] = [];
  for await (const chunk of response) chunks.push(chunk as Buffer);
  const text = Buffer.concat(chunks).toString('utf8');
  const contentType = response.headers['content-type'];
  const warnings = response.headersDistinct['warning']?.map((header) => warningText(header));
  const body: unknown = isJson(response) && text !== '' ? JSON.parse(text) : text;
  const retryAfter = retryAfterOf(response);
  return {
    status: response.statusCode ?? 0,
    body,
    contentType,
    ...(warnings === undefined ? {} : { warnings }),
    ...(retryAfter === undefined ? {} : { retryAfterSeconds: retryAfter }),
  };
}

/** `299 - "text"` (RFC 7234, 5.5) without its wrapping. */
function warningText(header: string): string {
  const quoted = /^\d{3} \S+ "(.*)"/.exec(header)?.[1];
  return quoted === undefined ? header : quoted.replaceAll(/\\(.)/g, '$1');
}
