import type { Query } from './query.ts';

export type Reply = Uint8Array | Promise<Uint8Array>;

/**
 * One stage of what answers a question: it answers, or asks the next. `limit` is the largest answer in bytes, `client`
 * the address that asks, where somebody wants to know; `depth` counts the questions that led to this one.
 */
export type Handler = (query: Query, limit: number, client: string | undefined, depth: number) => Reply;

/** A name at the end of ours is asked for here, from the beginning of all stages. */
export type AskOutside = (key: string, checkingDisabled: boolean, depth: number) => Reply;
