import { request as httpsRequest } from 'node:https';
import type { ClientRequest, IncomingMessage, RequestOptions } from 'node:http';
import { text } from 'node:stream/consumers';
import { connect as connectTls } from 'node:tls';
import { http } from '#base/http.ts';
import { errorCode, errorMessage } from '#base/errors.ts';
import type { Webhook } from '#api/admission/webhook.ts';
import type { ServerContext } from '../../context.ts';
import { proxyTarget } from '../../relay/proxy-target.ts';
import { StatusError } from '../../status-error.ts';

/** An answer is read to the end of this. */
const MAX_BYTES = 3 * 1024 * 1024;

type Server = Pick<ServerContext, 'storage' | 'pods' | 'clock'>;

/** Asks a webhook and reads its answer. @throws {Error} with what kube-apiserver would say was wrong */
export async function callWebhook(server: Server, webhook: Webhook, review: unknown): Promise<unknown> {
  const seconds = webhook.timeoutSeconds ?? 10;
  const url = `${urlOf(webhook)}?timeout=${seconds}s`;
  const timeout = new AbortController();
  using _timer = server.clock.after(seconds * 1000, () => timeout.abort());
  try {
    return await ask(server, webhook, url, JSON.stringify(review), timeout.signal);
  } catch (error) {
    if (error instanceof AnswerError) throw new Error(`failed to call webhook: ${error.message}`, { cause: error });
    const why = timeout.signal.aborted ? 'context deadline exceeded' : failureText(error);
    throw new Error(`failed to call webhook: Post ${JSON.stringify(url)}: ${why}`, { cause: error });
  }
}

/** It was reached, and what it sent is no answer. */
class AnswerError extends Error {}

function urlOf({ clientConfig: { url, service } }: Webhook): string {
  if (url !== undefined) return url;
  const { name = '', namespace = '', port = 443, path = '' } = service ?? {};
  return `https://${name}.${namespace}.svc:${port}${path.startsWith('/') ? path : `/${path}`}`;
}

async function ask(server: Server, webhook: Webhook, url: string, body: string, signal: AbortSignal): Promise<unknown> {
  const send = await sender(server, webhook, url, signal);
  const answer = await new Promise<IncomingMessage>((resolve, reject) => {
    const request = send({
      method: 'POST',
      headers: {
        'content-type': 'application/json',
        accept: 'application/json',
        'content-length': Buffer.byteLength(body),
      },
      signal,
    });
    request.once('response', resolve);
    request.once('error', reject);
    request.end(body);
  });
  const content = await limited(answer);
  if (answer.statusCode !== 200) throw new AnswerError(statusText(answer, content));
  try {
    return JSON.parse(content);
  } catch (error) {
    throw new AnswerError(`couldn't get version/kind; json parse error: ${errorMessage(error)}`);
  }
}

type Send = (options: RequestOptions) => ClientRequest;

/** By a URL from where the server is, by a Service from within the cluster network, to one of its endpoints. */
async function sender(server: Server, { clientConfig }: Webhook, url: string, signal: AbortSignal): Promise<Send> {
  const { service, caBundle } = clientConfig;
  const ca = caBundle === undefined ? {} : { ca: Buffer.from(caBundle, 'base64') };
  if (service === undefined) return (options) => httpsRequest(url, { ...options, ...ca, agent: false });
  const { name, namespace, port = 443 } = service;
  const to = {
    plural: 'services',
    namespace,
    name,
    port: String(port),
    scheme: 'https',
    prefix: '',
    path: '',
  } as const;
  const target = proxyTarget(server, to);
  if (target.kind !== 'address') throw new Error(`service ${JSON.stringify(name)} not found`);
  const dialed = server.pods(target.address, target.port);
  // Whoever gives up meanwhile leaves nothing open.
  const socket = await Promise.race([dialed, aborted(signal)]).catch((error: unknown) => {
    void dialed.then((late) => late.destroy()).catch(() => {});
    throw error;
  });
  const { hostname, pathname, search, host } = new URL(url);
  const connection = connectTls({ socket, servername: hostname, ...ca });
  return (options) =>
    http.request({ ...options, host, setHost: true, path: pathname + search, createConnection: () => connection });
}

function aborted(signal: AbortSignal): Promise<never> {
  return new Promise((_, reject) => {
    signal.addEventListener('abort', () => reject(new Error('context deadline exceeded')), { once: true });
  });
}

async function limited(answer: IncomingMessage): Promise<string> {
  let bytes = 0;
  answer.on('data', (chunk: Buffer) => {
    bytes += chunk.length;
    if (bytes > MAX_BYTES) answer.destroy(new AnswerError(`the response is longer than ${MAX_BYTES} bytes`));
  });
  return text(answer);
}

/** As client-go says that a server does not speak its language. */
function statusText({ statusCode: code = 0, headers }: IncomingMessage, body: string): string {
  if (code === 404) return 'the server could not find the requested resource';
  if (code === 503) return 'the server is currently unable to handle the request';
  if (code < 500) return `the server rejected our request for an unknown reason`;
  // Only what calls itself text is shown.
  const isText = (headers['content-type'] ?? 'text/plain').startsWith('text/');
  const message = isText && body.trim() !== '' ? body.trim().slice(0, 2048) : 'unknown';
  return `an error on the server (${JSON.stringify(message)}) has prevented the request from succeeding`;
}

const UNVERIFIED: ReadonlySet<string> = new Set([
  'UNABLE_TO_VERIFY_LEAF_SIGNATURE',
  'UNABLE_TO_GET_ISSUER_CERT_LOCALLY',
  'SELF_SIGNED_CERT_IN_CHAIN',
  'DEPTH_ZERO_SELF_SIGNED_CERT',
  'CERT_SIGNATURE_FAILURE',
]);

/** In Go's words where there are any. */
function failureText(error: unknown): string {
  if (error instanceof StatusError) {
    const { reason, details, message = '' } = error.status;
    return reason === 'NotFound' ? `service ${JSON.stringify(details?.name ?? '')} not found` : message;
  }
  const code = errorCode(error) ?? '';
  const { address, port } = error as { readonly address?: string; readonly port?: number };
  const x509 = 'tls: failed to verify certificate: x509:';
  if (UNVERIFIED.has(code)) return `${x509} certificate signed by unknown authority`;
  if (code === 'CERT_HAS_EXPIRED') return `${x509} certificate has expired or is not yet valid`;
  if (code === 'ERR_TLS_CERT_ALTNAME_INVALID')
    return `${x509} certificate is not valid for this name: ${errorMessage(error)}`;
  if (code === 'ECONNREFUSED' && address !== undefined)
    return `dial tcp ${address}:${port}: connect: connection refused`;
  if (code === 'ECONNRESET') return 'EOF';
  return errorMessage(error);
}
