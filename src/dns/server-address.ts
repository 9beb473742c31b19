import { CodedError } from '#base/errors.ts';

/** A server that names are asked of. */
export interface ServerAddress {
  readonly host: string;
  readonly port: number;
  /** DNS over TLS (RFC 7858). */
  readonly tls?: ServerTls | undefined;
}

export interface ServerTls {
  /** The name that its certificate has to be for; by default its address. */
  readonly serverName?: string | undefined;
  /** PEM. */
  readonly ca?: string | undefined;
  readonly cert?: string | undefined;
  readonly key?: string | undefined;
}

/** `10.0.0.1`, `10.0.0.1:5353`, `fd00::1` or `[fd00::1]:5353`. */
export function parseServer(text: string): ServerAddress {
  const match = /^(?:\[(.+)\]|([^:]+))(?::(\d+))?$/.exec(text);
  return { host: match?.[1] ?? match?.[2] ?? text, port: Number(match?.[3] ?? 53) };
}

export function serverError({ host }: ServerAddress, code: string, reason: string): CodedError {
  return new CodedError(code, `Cannot ask the DNS server "${host}": ${reason}`);
}
