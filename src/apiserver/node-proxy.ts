import type { IncomingMessage } from 'node:http';
import type { Duplex } from 'node:stream';
import { text as readText } from 'node:stream/consumers';
import { http } from '#base/http.ts';
import { errorMessage } from '#base/errors.ts';
import type { Status } from '#api/object.ts';
import { badRequest, failure, internalError } from '#api/status.ts';
import { StatusError } from './status-error.ts';

/** Opens a connection to the server of a node, which speaks HTTP/1.1 as a kubelet does. */
export type NodeDialer = (nodeName: string) => Promise<Duplex>;

export interface NodeAnswer {
  readonly status: number;
  readonly contentType: string;
  readonly body: IncomingMessage;
}

async function dial(dialer: NodeDialer, nodeName: string): Promise<Duplex> {
  try {
    return await dialer(nodeName);
  } catch (error) {
    throw new StatusError(internalError(`error dialing backend: ${errorMessage(error)}`));
  }
}

/** A plain GET whose answer is passed on as it comes; an answer that says no becomes a Status. */
export async function fetchFromNode(
  dialer: NodeDialer,
  nodeName: string,
  path: string,
  signal: AbortSignal | undefined,
): Promise<NodeAnswer> {
  const connection = await dial(dialer, nodeName);
  const answer = await new Promise<IncomingMessage>((resolve, reject) => {
    const request = http.request({
      method: 'GET',
      path,
      headers: { host: nodeName, connection: 'close' },
      createConnection: () => connection,
      ...(signal === undefined ? {} : { signal }),
    });
    request.on('response', resolve);
    request.on('error', (error) => reject(new StatusError(internalError(errorMessage(error)))));
    request.end();
  });
  const status = answer.statusCode ?? 500;
  if (status >= 400) throw new StatusError(refusalOf(status, await readText(answer)));
  return { status, contentType: answer.headers['content-type'] ?? 'text/plain', body: answer };
}

const REASONS: Readonly<Record<number, string>> = {
  400: 'BadRequest',
  403: 'Forbidden',
  404: 'NotFound',
  500: 'InternalError',
  503: 'ServiceUnavailable',
};

function refusalOf(status: number, text: string): Status {
  const reason = REASONS[status];
  return failure(status, text.trim(), reason === undefined ? {} : { reason });
}

/** Headers of the client's connection to us, and its credentials: the node has no use for either. */
function isOwnHeader(name: string): boolean {
  return name === 'host' || name === 'authorization' || name.startsWith('impersonate-');
}

function rawHeadersFor(nodeName: string, raw: readonly string[]): string {
  let text = `Host: ${nodeName}\r\n`;
  for (let i = 0; i + 1 < raw.length; i += 2) {
    const name = raw[i] ?? '';
    if (!isOwnHeader(name.toLowerCase())) text += `${name}: ${raw[i + 1] ?? ''}\r\n`;
  }
  return text;
}

export interface UpgradeRequest {
  readonly method: string;
  readonly rawHeaders: readonly string[];
}

/**
 * Joins the client's connection with one to the node: the node itself answers the upgrade, whichever protocol it is, and
 * from the request's head on not a byte is looked at.
 */
export async function spliceToNode(
  dialer: NodeDialer,
  nodeName: string,
  path: string,
  request: UpgradeRequest,
  client: Duplex,
  head: Buffer,
): Promise<void> {
  const node = await dial(dialer, nodeName);
  const cut = (): void => {
    client.destroy();
    node.destroy();
  };
  node.on('error', cut);
  client.on('error', cut);
  node.on('close', () => client.end());
  client.on('close', () => node.destroy());
  node.write(`${request.method} ${path} HTTP/1.1\r\n${rawHeadersFor(nodeName, request.rawHeaders)}\r\n`);
  if (head.length > 0) node.write(head);
  client.pipe(node);
  node.pipe(client);
}

/** Answers on a connection whose upgrade is refused; HTTP/1.1 by hand, for the parser has let go of it. */
export function refuseUpgrade(client: Duplex, status: Status): void {
  const body = JSON.stringify(status);
  const reason = http.STATUS_CODES[status.code] ?? 'Error';
  client.end(
    `HTTP/1.1 ${status.code} ${reason}\r\nContent-Type: application/json\r\nConnection: close\r\n` +
      `Content-Length: ${Buffer.byteLength(body)}\r\n\r\n${body}`,
  );
}

export function upgradeRequired(): Status {
  return badRequest('Upgrade request required');
}
