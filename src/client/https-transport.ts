import { Agent as HttpAgent, request as httpRequest, type ClientRequest, type IncomingMessage } from 'node:http';
import { Agent as HttpsAgent, request as httpsRequest, type RequestOptions } from 'node:https';
import type { WatchEvent } from '#api/object.ts';
import type { Connection } from './kubeconfig.ts';
import { apiErrorOf, type Transport, type TransportRequest, type TransportResponse } from './transport.ts';

/** A peer that says nothing for this long in the middle of something is gone, even if its TCP connection is not. */
const SILENCE_MS = 60_000;

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

/** Any cluster over HTTPS (or HTTP where the server's URL says so), on connections that are kept for the next request. */
export function httpsTransport(connection: Connection, observe?: RequestObserver): Transport & Disposable {
  const secure = connection.server.startsWith('https:');
  const agent = secure ? new HttpsAgent({ ...KEEP, ...tlsOptions(connection) }) : new HttpAgent(KEEP);
  const send = (request: TransportRequest, silenceMs: number = SILENCE_MS): Promise<IncomingMessage> =>
    sendRequest(connection, request, { send: secure ? httpsRequest : httpRequest, agent, silenceMs, observe });
  return {
    async request(request) {
      const response = await send(request);
      return readResponse(response);
    },
    async *watch(request, signal) {
      const seconds = request.query?.['timeoutSeconds'] ?? watchSeconds();
      const query = { ...request.query, watch: 'true', timeoutSeconds: seconds };
      try {
        const response = await send({ ...request, query, signal }, Number(seconds) * 1000 + SILENCE_MS);
        if (response.statusCode !== 200) {
          const { status, body } = await readResponse(response);
          throw apiErrorOf(status, body);
        }
        for await (const line of linesOf(response)) yield JSON.parse(line) as WatchEvent;
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
    ...(connection.ca === undefined ? {} : { ca: connection.ca }),
    ...(connection.cert === undefined ? {} : { cert: connection.cert }),
    ...(connection.key === undefined ? {} : { key: connection.key }),
    ...(connection.tlsServerName === undefined ? {} : { servername: connection.tlsServerName }),
    rejectUnauthorized: !connection.insecureSkipTlsVerify,
  };
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

/** The lines of a stream that is never whole: a watch. */
async function* linesOf(response: IncomingMessage): AsyncGenerator<string> {
  response.setEncoding('utf8');
  let rest = '';
  for await (const chunk of response as AsyncIterable<string>) {
    const lines = (rest + chunk).split('\n');
    rest = lines.pop() ?? '';
    for (const line of lines) if (line !== '') yield line;
  }
}

async function readResponse(response: IncomingMessage): Promise<TransportResponse> {
  const chunks: Buffer[] = [];
  for await (const chunk of response) chunks.push(chunk as Buffer);
  const text = Buffer.concat(chunks).toString('utf8');
  const contentType = response.headers['content-type'];
  const isJson = contentType?.includes('json') === true && text !== '';
  const warnings = response.headersDistinct['warning']?.map((header) => warningText(header));
  const body: unknown = isJson ? JSON.parse(text) : text;
  return { status: response.statusCode ?? 0, body, contentType, ...(warnings === undefined ? {} : { warnings }) };
}

/** `299 - "text"` (RFC 7234, 5.5) without its wrapping. */
function warningText(header: string): string {
  const quoted = /^\d{3} \S+ "(.*)"/.exec(header)?.[1];
  return quoted === undefined ? header : quoted.replaceAll(/\\(.)/g, '$1');
}
