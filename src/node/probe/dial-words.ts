import { hostPort } from './attempt.ts';
import { errorCode, errorMessage } from '#base/errors.ts';

/** As Go words what the kernel says to a connection, which is what people search for. */
export function dialWords(error: unknown, host: string, port: number): string {
  const code = errorCode(error) ?? '';
  const words = WORDS[code];
  if (words === undefined) return errorMessage(error);
  return `dial tcp ${hostPort(host, port)}: ${words}`;
}

const WORDS: Readonly<Record<string, string>> = {
  ECONNREFUSED: 'connect: connection refused',
  EHOSTUNREACH: 'connect: no route to host',
  ENETUNREACH: 'connect: network is unreachable',
  ECONNRESET: 'read: connection reset by peer',
  ETIMEDOUT: 'i/o timeout',
};
