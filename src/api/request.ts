import type { WatchEvent } from './object.ts';

/** Who asks. `system:masters` in `groups` may do everything. */
export interface UserInfo {
  readonly username: string;
  readonly uid?: string | undefined;
  readonly groups: readonly string[];
  readonly extra?: Readonly<Record<string, readonly string[]>> | undefined;
}

/** One request to the API server, free of HTTP: the in-process client sends these as they are. */
export interface ApiRequest {
  readonly method: 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE';
  /** Path without the query: `/api/v1/namespaces/default/pods`. */
  readonly path: string;
  readonly query: Readonly<Record<string, string>>;
  readonly user: UserInfo;
  readonly userAgent?: string | undefined;
  /** Media type of the body, which for PATCH says the kind of patch. */
  readonly contentType?: string | undefined;
  /** The Accept header; absent means plain JSON objects. */
  readonly accept?: string | undefined;
  /** A decoded JSON value, or the text of the body where it has yet to be decoded. */
  readonly body?: unknown;
  readonly signal?: AbortSignal | undefined;
}

/** A watch event whose JSON is made once and shared by all that send it. */
export interface WatchFrame {
  readonly event: WatchEvent;
  /** One line of JSON without the newline. */
  readonly text: string;
}

export type ApiResponse =
  | {
      readonly kind: 'object';
      readonly status: number;
      /** Frozen; the caller must not change it. */
      readonly body: unknown;
      /** `body` as JSON, where it is at hand. */
      readonly text?: string | undefined;
      readonly contentType?: string | undefined;
      readonly headers?: Readonly<Record<string, string>> | undefined;
      /** Texts of `Warning` headers. */
      readonly warnings?: readonly string[] | undefined;
    }
  | {
      readonly kind: 'text';
      readonly status: number;
      readonly body: string | Uint8Array;
      readonly contentType: string;
      readonly headers?: Readonly<Record<string, string>> | undefined;
    }
  | {
      readonly kind: 'watch';
      readonly status: 200;
      readonly frames: AsyncIterable<WatchFrame>;
      readonly contentType?: string | undefined;
      readonly warnings?: readonly string[] | undefined;
    };

/** The whole API server as one function. Errors come back as `Status` bodies, never as exceptions. */
export type ApiHandler = (request: ApiRequest) => Promise<ApiResponse>;
