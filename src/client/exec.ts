import { WebSocket } from 'ws';
import { pods, resourcePath } from '#api/resource.ts';
import type { Status } from '#api/object.ts';
import type { ObjectRef } from './client.ts';
import { tlsOptions } from './https-transport.ts';
import type { Connection } from './kubeconfig.ts';
import { apiErrorOf } from './transport.ts';

export interface ExecResult {
  readonly exitCode: number;
  readonly stdout: string;
  readonly stderr: string;
}

export interface ExecOptions {
  readonly container?: string | undefined;
  readonly signal?: AbortSignal | undefined;
}

/** Channels of v5.channel.k8s.io: the first byte of each message. */
const STDOUT = 1;
const STDERR = 2;
const ERROR = 3;

/** Runs a command in a container without a terminal and without input, and waits for its end. */
export function exec(
  connection: Connection,
  pod: ObjectRef,
  command: readonly string[],
  options: ExecOptions = {},
): Promise<ExecResult> {
  const url = new URL(`${connection.server}${resourcePath(pods, { ...pod, subresource: 'exec' })}`);
  url.protocol = url.protocol === 'https:' ? 'wss:' : 'ws:';
  for (const word of command) url.searchParams.append('command', word);
  if (options.container !== undefined) url.searchParams.set('container', options.container);
  url.searchParams.set('stdout', 'true');
  url.searchParams.set('stderr', 'true');
  const token = connection.token?.();
  const socket = new WebSocket(url, ['v5.channel.k8s.io', 'v4.channel.k8s.io'], {
    ...tlsOptions(connection),
    headers: token === undefined ? {} : { Authorization: `Bearer ${token}` },
  });
  return collect(socket, options.signal);
}

function collect(socket: WebSocket, signal: AbortSignal | undefined): Promise<ExecResult> {
  const output: Readonly<Record<number, Buffer[]>> = { [STDOUT]: [], [STDERR]: [], [ERROR]: [] };
  const text = (channel: number): string => Buffer.concat(output[channel] ?? []).toString('utf8');
  return new Promise((resolve, reject) => {
    const abort = (): void => socket.terminate();
    signal?.addEventListener('abort', abort, { once: true });
    socket.on('message', (data: Buffer) => output[data[0] ?? 0]?.push(data.subarray(1)));
    socket.once('unexpected-response', (_request, response) => {
      const chunks: Buffer[] = [];
      response.on('data', (chunk: Buffer) => chunks.push(chunk));
      response.once('end', () =>
        reject(apiErrorOf(response.statusCode ?? 0, decode(Buffer.concat(chunks).toString()))),
      );
    });
    socket.once('error', reject);
    socket.once('close', () => {
      signal?.removeEventListener('abort', abort);
      const status = decode(text(ERROR)) as Status | undefined;
      const exitCode = exitCodeOf(status);
      if (exitCode === undefined) reject(apiErrorOf(500, status ?? 'the connection ended before the command did'));
      else resolve({ exitCode, stdout: text(STDOUT), stderr: text(STDERR) });
    });
  });
}

function decode(text: string): unknown {
  try {
    return JSON.parse(text) as unknown;
  } catch {
    return text === '' ? undefined : text;
  }
}

/** Success is 0; a command that ended otherwise says so in a cause; anything else is an error of the server. */
function exitCodeOf(status: Status | undefined): number | undefined {
  if (status?.status === 'Success') return 0;
  const cause = status?.details?.causes?.find((candidate) => candidate.reason === 'ExitCode');
  return cause?.message === undefined ? undefined : Number(cause.message);
}
