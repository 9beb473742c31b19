import type { Readable } from 'node:stream';
import { buffer } from 'node:stream/consumers';
import type { ApiResponse } from '#api/request.ts';

/** An answer that comes from a node bit by bit, a container's log. */
export interface StreamResponse {
  readonly kind: 'stream';
  readonly status: number;
  readonly contentType: string;
  readonly body: Readable;
}

export type ServerResponse = ApiResponse | StreamResponse;

/** In process there are no streams: the whole of it is waited for. */
export async function collected(response: ServerResponse): Promise<ApiResponse> {
  if (response.kind !== 'stream') return response;
  const { status, contentType, body } = response;
  const bytes = await buffer(body);
  if (!/^application\/json\b/.test(contentType)) return { kind: 'text', status, contentType, body: bytes };
  return { kind: 'object', status, body: JSON.parse(bytes.toString()) as unknown };
}
