import type { TransportRequest } from './transport.ts';

/** A request as it crosses a MessagePort: the body as JSON text, which is cheaper than a structured clone. */
export interface WireRequest extends Omit<TransportRequest, 'signal' | 'body'> {
  readonly body?: string | undefined;
}

export type ToServer =
  | { readonly kind: 'request'; readonly id: number; readonly request: WireRequest }
  | { readonly kind: 'watch'; readonly id: number; readonly request: WireRequest }
  | { readonly kind: 'cancel'; readonly id: number }
  /** One batch of events was worked off. */
  | { readonly kind: 'ack'; readonly id: number };

export type ToClient =
  | {
      readonly kind: 'answer';
      readonly id: number;
      readonly status: number;
      /** `body` is JSON text to be decoded. */
      readonly json: boolean;
      readonly body: string | Uint8Array;
      readonly contentType?: string | undefined;
      readonly warnings?: readonly string[] | undefined;
    }
  /** A JSON array of watch events. */
  | { readonly kind: 'events'; readonly id: number; readonly text: string }
  | { readonly kind: 'end'; readonly id: number; readonly error?: string | undefined };

/** Events in one message at most: parsing them takes a few milliseconds, so that other work gets its turn. */
export const BATCH_EVENTS = 256;
/** Batches on their way before the server waits for the client. */
export const BATCHES_IN_FLIGHT = 4;
