import type { KubeObject } from '../object.ts';
import { isObject, type JsonObject } from '../patch/json-value.ts';
import { compareObjects } from './compare.ts';
import { difference, EMPTY_SET, type FieldSet } from './field-set.ts';
import { declaredFields } from './fields-of.ts';
import type { MergeType } from './merge-type.ts';

const LAST_APPLIED = 'kubectl.kubernetes.io/last-applied-configuration';

/**
 * The fields that client-side apply set and that still have the values it gave them. Server-side apply takes them over
 * without a conflict, so that a user may change from one to the other.
 */
export function allowedByLastApplied(live: KubeObject, type: MergeType): FieldSet {
  const text = live.metadata.annotations?.[LAST_APPLIED];
  if (text === undefined) return EMPTY_SET;
  const applied = parsed(text);
  if (applied === undefined) return EMPTY_SET;
  const { set, problems } = declaredFields(applied, type);
  if (problems.length > 0) return EMPTY_SET;
  const { changed, removed } = compareObjects(applied, live as unknown as JsonObject, type, () => true);
  return difference(difference(set, changed), removed);
}

function parsed(text: string): JsonObject | undefined {
  try {
    const value: unknown = JSON.parse(text);
    return isObject(value) ? value : undefined;
  } catch {
    return undefined;
  }
}

/** Keeps the annotation of client-side apply true where there is one, so that a user may also change back. */
export function withLastApplied(object: JsonObject, config: JsonObject): JsonObject {
  const metadata = object['metadata'];
  const annotations = isObject(metadata) ? metadata['annotations'] : undefined;
  if (!isObject(metadata) || !isObject(annotations) || annotations[LAST_APPLIED] === undefined) return object;
  const text = `${JSON.stringify(withoutAnnotation(config))}\n`;
  return { ...object, metadata: { ...metadata, annotations: { ...annotations, [LAST_APPLIED]: text } } };
}

function withoutAnnotation(config: JsonObject): JsonObject {
  const metadata = config['metadata'];
  if (!isObject(metadata) || !isObject(metadata['annotations'])) return config;
  const { [LAST_APPLIED]: _, ...annotations } = metadata['annotations'];
  return { ...config, metadata: { ...metadata, annotations } };
}
