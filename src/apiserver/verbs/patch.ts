import type { KubeObject, Status } from '#api/object.ts';
import type { ApiRequest, ApiResponse } from '#api/request.ts';
import { PatchError } from '#api/patch/patch-error.ts';
import { failure, unsupportedMediaType } from '#api/status.ts';
import { mediaType } from '../body.ts';
import type { ResourceContext } from '../context.ts';
import { objectResponse } from '../respond.ts';
import { StatusError } from '../status-error.ts';
import { parseWriteOptions } from '../write-options.ts';
import { apply, isApply } from './apply.ts';
import { checkPatched, decodePatch } from './patch-body.ts';
import { modify, type Part, targetOf, warningsOf } from './update.ts';

/** Needs struct tags, which custom kinds have none of. */
const STRATEGIC = 'application/strategic-merge-patch+json';

const PATCH_TYPES = [
  'application/json-patch+json',
  'application/merge-patch+json',
  'application/apply-patch+yaml',
  'application/apply-patch+cbor',
  STRATEGIC,
];

/** Applies to a document and gives a new one. */
export type Patcher = (document: unknown) => unknown;

export interface ReadPatch {
  readonly apply: Patcher;
  readonly duplicates: readonly string[];
  /** What the patch lost on the way from `before` to `after`, for `Warning` headers. */
  readonly losses?: (before: unknown, after: unknown) => readonly string[];
}

/** The patch of a request, read and ready; `model` names the schema whose lists a strategic merge goes by. */
export async function readPatch(request: ApiRequest, model: string): Promise<ReadPatch> {
  const type = mediaType(request.contentType);
  const { value, duplicates } = await decodePatch(request);
  switch (type) {
    case 'application/json-patch+json': {
      const { applyJsonPatch } = await import('#api/patch/json-patch.ts');
      return { apply: (document) => applyJsonPatch(document, value), duplicates };
    }
    case 'application/merge-patch+json': {
      const { applyMergePatch } = await import('#api/patch/merge-patch.ts');
      return { apply: (document) => applyMergePatch(document, value), duplicates };
    }
    case 'application/strategic-merge-patch+json': {
      const { applyStrategicMergePatch } = await import('#api/patch/strategic-merge.ts');
      const { droppedItems } = await import('#api/patch/dropped-items.ts');
      const losses = (before: unknown, after: unknown): readonly string[] => droppedItems(before, value, after, model);
      return { apply: (document) => applyStrategicMergePatch(document, value, model), duplicates, losses };
    }
    default:
      throw new StatusError(unsupportedMediaType(PATCH_TYPES));
  }
}

/** Runs a patcher; what it refuses is answered as it says. */
export function applyPatch(apply: Patcher, document: unknown): unknown {
  try {
    return apply(document);
  } catch (error) {
    if (error instanceof PatchError) throw new StatusError(patchStatus(error));
    throw error;
  }
}

function patchStatus(error: PatchError): Status {
  const reason = error.reason === '' ? {} : { reason: error.reason };
  return failure(error.httpStatus, error.message, reason);
}

export async function patch(context: ResourceContext, part: Part): Promise<ApiResponse> {
  const { kind, request } = context;
  if (isApply(request)) return apply(context, part);
  const { dryRun, fieldValidation } = parseWriteOptions(request.query, 'PatchOptions');
  if (kind.custom !== undefined && mediaType(request.contentType) === STRATEGIC) {
    throw new StatusError(unsupportedMediaType(PATCH_TYPES.filter((type) => type !== STRATEGIC)));
  }
  const { apply: patcher, duplicates, losses } = await readPatch(request, kind.model);
  const target = targetOf(context);
  const warnings: string[] = [];
  const change = ({ object }: { readonly object: KubeObject }): KubeObject => {
    const result = applyPatch(patcher, object);
    const checked = checkPatched(context, result, duplicates, fieldValidation);
    warnings.splice(0, warnings.length, ...checked.warnings, ...(losses?.(object, result) ?? []));
    return checked.object;
  };
  const before = target.cache.get(target.key)?.object;
  const patched = await modify(target, part, change, dryRun);
  return objectResponse(context, patched, 200, [...warnings, ...warningsOf(kind, part, patched.object, before)]);
}
