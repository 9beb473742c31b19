import type { KubeObject, NewObject, ObjectList, Status, WatchEvent } from '#api/object.ts';
import type { Resource } from '#api/resource.ts';

export interface ObjectRef {
  readonly namespace?: string | undefined;
  readonly name: string;
}

export interface WriteOptions {
  readonly subresource?: string | undefined;
  readonly fieldManager?: string | undefined;
  readonly dryRun?: boolean | undefined;
  /** Apply patches only. */
  readonly force?: boolean | undefined;
  readonly signal?: AbortSignal | undefined;
}

export interface ListOptions {
  readonly namespace?: string | undefined;
  readonly labelSelector?: string | undefined;
  readonly fieldSelector?: string | undefined;
  readonly limit?: number | undefined;
  readonly continue?: string | undefined;
  readonly resourceVersion?: string | undefined;
  readonly signal?: AbortSignal | undefined;
}

export interface StreamedListOptions<T> extends ListOptions {
  /** Told, before any item, what version the list has, where the server says so first. */
  readonly onVersion?: ((version: string) => void) | undefined;
  /** Told of each item as it comes in: there is never more than one of them in memory. */
  readonly onItem: (item: T) => void;
}

export interface DeleteCollectionOptions extends ListOptions {
  readonly gracePeriodSeconds?: number | undefined;
  readonly propagationPolicy?: 'Background' | 'Foreground' | 'Orphan' | undefined;
}

/** A request outside the verbs below: discovery, logs, subresources with a kind of their own. */
export interface RawRequest {
  readonly method: 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE';
  readonly path: string;
  readonly query?: Readonly<Record<string, string>> | undefined;
  readonly contentType?: string | undefined;
  readonly accept?: string | undefined;
  readonly body?: unknown;
  readonly signal?: AbortSignal | undefined;
}

export interface WatchOptions {
  readonly namespace?: string | undefined;
  readonly labelSelector?: string | undefined;
  readonly fieldSelector?: string | undefined;
  /** Events after this one. Absent: the present state as ADDED events first. */
  readonly resourceVersion?: string | undefined;
  readonly allowBookmarks?: boolean | undefined;
  readonly signal: AbortSignal;
}

export interface DeleteOptions {
  readonly gracePeriodSeconds?: number | undefined;
  readonly propagationPolicy?: 'Background' | 'Foreground' | 'Orphan' | undefined;
  readonly preconditions?:
    | { readonly uid?: string | undefined; readonly resourceVersion?: string | undefined }
    | undefined;
  readonly signal?: AbortSignal | undefined;
}

export type Patch =
  | { readonly kind: 'merge'; readonly body: unknown }
  | { readonly kind: 'strategic'; readonly body: unknown }
  | { readonly kind: 'json'; readonly body: readonly unknown[] }
  | { readonly kind: 'apply'; readonly body: unknown };

/**
 * The API of a cluster, the same in process and over HTTPS. Every call rejects with `ApiError` when the server answers
 * with a Status; objects that come back are shared and must not be changed.
 */
export interface Client {
  get<T extends KubeObject>(resource: Resource<T>, ref: ObjectRef, options?: { signal?: AbortSignal }): Promise<T>;
  list<T extends KubeObject>(resource: Resource<T>, options?: ListOptions): Promise<ObjectList<T>>;
  /** The list without its items. When it rejects, some may have been told. */
  streamList<T extends KubeObject>(resource: Resource<T>, options: StreamedListOptions<T>): Promise<ObjectList<T>>;
  create<T extends KubeObject>(resource: Resource<T>, object: NewObject<T>, options?: WriteOptions): Promise<T>;
  /** Replaces; the object's resourceVersion guards against lost updates. */
  update<T extends KubeObject>(resource: Resource<T>, object: T, options?: WriteOptions): Promise<T>;
  patch<T extends KubeObject>(resource: Resource<T>, ref: ObjectRef, patch: Patch, options?: WriteOptions): Promise<T>;
  /** The object as it was, or is while finalizers or a grace period keep it. */
  delete<T extends KubeObject>(resource: Resource<T>, ref: ObjectRef, options?: DeleteOptions): Promise<T | Status>;
  deleteCollection(resource: Resource, options: DeleteCollectionOptions): Promise<void>;
  /** The answer's body: decoded where it is JSON, else text or bytes. */
  raw(request: RawRequest): Promise<unknown>;
  /** Ends without an error when the server closes the stream; an `ERROR` event throws as `ApiError`. */
  watch<T extends KubeObject>(resource: Resource<T>, options: WatchOptions): AsyncIterable<WatchEvent<T>>;
}

/** What the server said no with. `reason` is the one to match on: NotFound, AlreadyExists, Conflict, Expired... */
export class ApiError extends Error {
  readonly status: Status;
  readonly code: number;
  readonly reason: string;
  /** How long the server wants to be left alone; 0 where it does not say. */
  readonly retryAfterMs: number;

  constructor(status: Status, retryAfterSeconds: number = status.details?.retryAfterSeconds ?? 0) {
    super(status.message ?? status.reason ?? `HTTP ${status.code}`);
    this.name = 'ApiError';
    this.status = status;
    this.code = status.code;
    this.reason = status.reason ?? '';
    this.retryAfterMs = retryAfterSeconds * 1000;
  }
}

export function isReason(error: unknown, ...reasons: readonly string[]): boolean {
  return error instanceof ApiError && reasons.includes(error.reason);
}

/** Whether a patch that names a uid was refused since the object is another one by now, of the same name. */
export function isAnotherObject(error: unknown): boolean {
  if (!(error instanceof ApiError) || error.reason !== 'Invalid') return false;
  const causes = error.status.details?.causes ?? [];
  return causes.length > 0 && causes.every(({ field }) => field === 'metadata.uid');
}
