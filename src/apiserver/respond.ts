import type { ListMeta, Status } from '#api/object.ts';
import type { ApiResponse } from '#api/request.ts';
import { apiVersionOf } from '#api/resource.ts';
import { partialMetadata, renderTable, type IncludeObject } from '#api/table.ts';
import type { ResourceContext } from './context.ts';
import { badRequest } from '#api/status.ts';
import { StatusError } from './status-error.ts';
import { negotiate, OBJECT_SHAPES, type Negotiated } from './negotiate.ts';
import { presentedText, type Sendable } from './presented.ts';

export function statusResponse(status: Omit<Status, 'code'> & { readonly code?: number }): ApiResponse {
  const seconds = status.details?.retryAfterSeconds ?? 0;
  // The header is what client-go goes by, not the body.
  const headers = seconds > 0 ? { headers: { 'retry-after': String(seconds) } } : {};
  return { kind: 'object', status: status.code ?? 200, body: status, ...headers };
}

function formatted(negotiated: Negotiated): { readonly contentType?: string } {
  return negotiated.format === 'yaml' ? { contentType: 'application/yaml' } : {};
}

export function includeObject(context: ResourceContext): IncludeObject {
  const asked = context.request.query['includeObject'];
  if (asked !== undefined && !['', 'Metadata', 'Object', 'None'].includes(asked)) {
    const why = `includeObject: Invalid value: ${JSON.stringify(asked)}: must be 'Metadata', 'Object', 'None', or empty`;
    throw new StatusError(badRequest(`Unable to convert to Table as requested: ${why}`));
  }
  return asked === 'None' || asked === 'Object' ? asked : 'Metadata';
}

/** One object in the shape that the client asked for. */
export function objectResponse(
  context: ResourceContext,
  sendable: Sendable,
  status: number = 200,
  warnings: readonly string[] = [],
): ApiResponse {
  const { object, text } = presentedText(context.kind, sendable);
  const negotiated = negotiate(context.request.accept, OBJECT_SHAPES);
  const extra = { ...formatted(negotiated), warnings };
  if (negotiated.as === 'Table') {
    const body = renderTable(context.kind, [object], context.server.clock.now(), {
      includeObject: includeObject(context),
      metadata: { resourceVersion: object.metadata.resourceVersion },
      version: negotiated.version,
    });
    return { kind: 'object', status, body, ...extra };
  }
  if (negotiated.as !== undefined) {
    return { kind: 'object', status, body: partialMetadata(object, negotiated.version), ...extra };
  }
  return { kind: 'object', status, body: object, text, ...extra };
}

/** A list in the shape that the client asked for. Its JSON is joined from the texts of the items. */
export function listResponse(context: ResourceContext, listed: readonly Sendable[], metadata: ListMeta): ApiResponse {
  const { kind, server, request } = context;
  const items = kind.present === undefined ? listed : listed.map((item) => presentedText(kind, item));
  const negotiated = negotiate(request.accept, OBJECT_SHAPES);
  const extra = formatted(negotiated);
  if (negotiated.as === 'Table') {
    const objects = items.map(({ object }) => object);
    const options = { includeObject: includeObject(context), metadata, version: negotiated.version };
    return { kind: 'object', status: 200, body: renderTable(kind, objects, server.clock.now(), options), ...extra };
  }
  if (negotiated.as !== undefined) {
    const apiVersion = `meta.k8s.io/${negotiated.version}`;
    const partial = items.map(({ object }) => partialMetadata(object, negotiated.version));
    const body = { kind: 'PartialObjectMetadataList', apiVersion, metadata, items: partial };
    return { kind: 'object', status: 200, body, ...extra };
  }
  const head = { kind: kind.listKind, apiVersion: apiVersionOf(kind.resource), metadata };
  return {
    kind: 'object',
    status: 200,
    // One of the two is wanted: the objects in process, the text on the wire.
    get body() {
      return { ...head, items: items.map(({ object }) => object) };
    },
    get text() {
      const texts = items.map(({ object, text }) => text ?? JSON.stringify(object));
      return `${JSON.stringify(head).slice(0, -1)},"items":[${texts.join(',')}]}`;
    },
    ...extra,
  };
}
