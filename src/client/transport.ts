import type { Status, WatchEvent } from '#api/object.ts';
import type { ApiRequest } from '#api/request.ts';
import { ApiError } from './client.ts';

/** A request without the user: who asks is settled by the connection. */
export type TransportRequest = Pick<ApiRequest, 'method' | 'path' | 'contentType' | 'accept' | 'body' | 'signal'> & {
  readonly query?: Readonly<Record<string, string>> | undefined;
  /** Told of a list as it comes in; a transport that has all of it at once leaves it in the body instead. */
  readonly items?: ListReader | undefined;
};

export interface ListReader {
  /** The list without its items, as far as it is known before the first of them. */
  readonly onHead: (list: unknown) => void;
  readonly onItem: (item: unknown) => void;
}

export interface TransportResponse {
  readonly status: number;
  /** Decoded where it was JSON, else the text or the bytes as they came. */
  readonly body: unknown;
  readonly contentType?: string | undefined;
  readonly warnings?: readonly string[] | undefined;
  /** From an overloaded server. */
  readonly retryAfterSeconds?: number | undefined;
}

/** How requests reach an API server. Answers of any status resolve; only a broken connection rejects. */
export interface Transport {
  request(request: TransportRequest): Promise<TransportResponse>;
  /**
   * The stream of one watch, `ERROR` events included. Rejects with `ApiError` when the server refuses the watch, and
   * ends without an error when `signal` aborts or the server closes the stream.
   */
  watch(request: TransportRequest, signal: AbortSignal): AsyncIterable<WatchEvent>;
}

function isStatus(body: unknown): body is Status {
  return typeof body === 'object' && body !== null && (body as { kind?: unknown }).kind === 'Status';
}

/** The error for an answer of 400 and above, whatever stands in its body (a proxy in between may answer HTML). */
export function apiErrorOf(status: number, body: unknown, retryAfterSeconds?: number): ApiError {
  if (isStatus(body)) return new ApiError(body, retryAfterSeconds);
  const text = typeof body === 'string' ? body.trim().slice(0, 200) : '';
  const made: Status = {
    apiVersion: 'v1',
    kind: 'Status',
    metadata: {},
    status: 'Failure',
    message: text === '' ? `the server answered HTTP ${status}` : text,
    reason: reasonOf(status),
    code: status,
  };
  return new ApiError(made, retryAfterSeconds);
}

function reasonOf(status: number): string {
  switch (status) {
    case 401:
      return 'Unauthorized';
    case 403:
      return 'Forbidden';
    case 404:
      return 'NotFound';
    case 409:
      return 'Conflict';
    case 410:
      return 'Expired';
    case 429:
      return 'TooManyRequests';
    case 503:
      return 'ServiceUnavailable';
    default:
      return status >= 500 ? 'InternalError' : 'BadRequest';
  }
}
