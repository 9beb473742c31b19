import { createHash } from 'node:crypto';
import { openApiV2Document } from './openapi-v2.ts';
import { encodeOpenApiV2 } from './openapi-v2-protobuf.ts';
import { openApiGroupVersions, openApiV3Document } from './openapi-v3.ts';
import { groupVersionPath, type OpenApiKind } from './openapi-kind.ts';

export interface OpenApiText {
  readonly text: string;
  /** Of the text: the ETag, and the `hash` in the index's URLs. */
  readonly hash: string;
}

/** What `/openapi/v3` and `/openapi/v2` answer. */
export interface OpenApiDocuments {
  /** `/openapi/v3`. */
  readonly index: () => OpenApiText;
  /** `/openapi/v3/<path>`, with `path` as in the index: `api/v1`, `apis/apps/v1`. */
  readonly groupVersion: (path: string) => OpenApiText | undefined;
  /** `/openapi/v2` as JSON. */
  readonly v2: () => OpenApiText;
  /** `/openapi/v2` as `OPENAPI_V2_PROTOBUF_TYPE`. */
  readonly v2Protobuf: () => { readonly bytes: Uint8Array; readonly hash: string };
}

/** Documents for a set of kinds, each made when it is first asked for and kept. Make new ones when the kinds change. */
export function openApiDocuments(kinds: readonly OpenApiKind[], serverVersion: string): OpenApiDocuments {
  const byPath = new Map(
    openApiGroupVersions(kinds).map((at) => [
      groupVersionPath(at),
      once(() => hashed(JSON.stringify(openApiV3Document(kinds, at, serverVersion)))),
    ]),
  );
  const v2 = once(() => openApiV2Document(kinds, serverVersion));
  return {
    groupVersion: (path) => byPath.get(path)?.(),
    index: once(() => {
      const paths: Record<string, { serverRelativeURL: string }> = {};
      for (const [path, document] of byPath) {
        paths[path] = { serverRelativeURL: `/openapi/v3/${path}?hash=${document().hash}` };
      }
      return hashed(JSON.stringify({ paths }));
    }),
    v2: once(() => hashed(JSON.stringify(v2()))),
    v2Protobuf: once(() => {
      const bytes = encodeOpenApiV2(v2());
      return { bytes, hash: digest(bytes) };
    }),
  };
}

function hashed(text: string): OpenApiText {
  return { text, hash: digest(text) };
}

function digest(data: string | Uint8Array): string {
  return createHash('sha256').update(data).digest('hex').toUpperCase();
}

function once<T>(make: () => T): () => T {
  let made: { value: T } | undefined;
  return () => (made ??= { value: make() }).value;
}
