import type { IncomingMessage } from 'node:http';
import type { Socket } from 'node:net';
import { connect as tlsConnect } from 'node:tls';
import { http } from '#base/http.ts';
import { type AttemptContext, destroyOn, hostPort, type ProbeResult } from './attempt.ts';
import { dialWords } from './dial-words.ts';
import type { ProbeTarget } from './probe-spec.ts';

type HttpTarget = Extract<ProbeTarget, { kind: 'http' }>;

interface Answer {
  readonly status: number;
  readonly location: string | undefined;
  readonly body: string;
}

const MAX_BODY = 10 * 1024;
const MAX_REDIRECTS = 10;
const FOLLOWED: readonly number[] = [301, 302, 303, 307, 308];

/** Models pkg/probe/http of v1.34: redirects are followed as long as they stay on the host. */
export async function probeHttp(
  context: AttemptContext,
  target: HttpTarget,
  signal: AbortSignal,
): Promise<ProbeResult> {
  const first = urlOf(target);
  let headers = headersOf(target, 'kube-probe/1.34');
  let url = first;
  for (let redirects = 0; ; redirects++) {
    const { status, location, body } = await get(context, url, headers, signal);
    if (status < 200 || status >= 400) return { ok: false, message: `HTTP probe failed with statuscode: ${status}` };
    if (status < 300) return { ok: true };
    const next = location === undefined || !FOLLOWED.includes(status) ? undefined : new URL(location, url);
    if (next?.hostname !== first.hostname) {
      return { ok: true, warning: `Probe terminated redirects, Response body: ${body}` };
    }
    if (redirects === MAX_REDIRECTS) return failure(url, `stopped after ${MAX_REDIRECTS} redirects`);
    // A host of the target's own is for its paths; a whole URL says what it means.
    if (URL.canParse(location ?? '')) headers = headers.filter(([name]) => name !== 'host');
    url = next;
  }
}

/** As a hook does: whatever comes back will do. Rejects when nothing does. Models pkg/kubelet/lifecycle of v1.34. */
export async function callHttp(context: AttemptContext, target: HttpTarget, signal: AbortSignal): Promise<void> {
  await get(context, urlOf(target), headersOf(target, 'kube-lifecycle/1.34'), signal);
}

function urlOf({ tls, host, port, path }: HttpTarget): URL {
  return new URL(`${tls ? 'https' : 'http'}://${hostPort(host, port)}${path.startsWith('/') ? path : `/${path}`}`);
}

/** By their names in lower case; a name may be there several times. */
function headersOf({ headers }: HttpTarget, userAgent: string): readonly (readonly [string, string])[] {
  const given = headers.map(([name, value]) => [name.toLowerCase(), value] as const);
  const defaults = [
    ['user-agent', userAgent],
    ['accept', '*/*'],
  ] as const;
  return [...defaults.filter(([name]) => !given.some(([other]) => other === name)), ...given];
}

async function get(
  context: AttemptContext,
  url: URL,
  headers: readonly (readonly [string, string])[],
  signal: AbortSignal,
): Promise<Answer> {
  const tls = url.protocol === 'https:';
  const host = url.hostname.replaceAll(/[[\]]/g, '');
  const port = portOf(url);
  const socket = context.dial(host, port);
  using _ = destroyOn(signal, socket);
  // Not an `agent` as well: it would make a connection of its own. The certificate of a probed server is not checked.
  const createConnection = (): Socket => (tls ? tlsConnect({ socket, rejectUnauthorized: false }) : socket);
  const request = http.request({
    method: 'GET',
    path: `${url.pathname}${url.search}`,
    setHost: false,
    createConnection,
  });
  const all = [['host', hostPort(host, port)] as const, ['connection', 'close'] as const, ...headers];
  for (const name of new Set(all.map(([name]) => name))) {
    const values = all.filter(([other]) => other === name).map(([, value]) => value);
    // There is one host, and one way to end; the last word counts.
    request.setHeader(name, name === 'host' || name === 'connection' ? (values.at(-1) ?? '') : values);
  }
  const response = await new Promise<IncomingMessage>((resolve, reject) => {
    request.once('response', resolve);
    request.on('error', (error) => {
      const late = 'context deadline exceeded (Client.Timeout exceeded while awaiting headers)';
      reject(new Error(urlError(url, signal.aborted ? late : dialWords(error, host, port))));
    });
    request.end();
  });
  const { statusCode: status = 0, headers: answered } = response;
  return { status, location: answered.location, body: status >= 300 ? await bodyOf(response) : '' };
}

/** As much of it as comes. */
async function bodyOf(response: IncomingMessage): Promise<string> {
  let body = '';
  try {
    for await (const chunk of response.setEncoding('utf8')) {
      body += String(chunk);
      if (body.length >= MAX_BODY) break;
    }
  } catch {
    // The status has been read, and that is what counts.
  }
  return body.slice(0, MAX_BODY);
}

function portOf(url: URL): number {
  if (url.port !== '') return Number(url.port);
  return url.protocol === 'https:' ? 443 : 80;
}

function urlError(url: URL, why: string): string {
  // `href` leaves the port of the scheme out, kubelets do not.
  const text = `${url.protocol}//${url.hostname}:${portOf(url)}${url.pathname}${url.search}`;
  return `Get ${JSON.stringify(text)}: ${why}`;
}

function failure(url: URL, why: string): ProbeResult {
  return { ok: false, message: urlError(url, why) };
}
