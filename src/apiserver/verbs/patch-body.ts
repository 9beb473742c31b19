import { errorMessage } from '#base/errors.ts';
import type { FieldValidation } from '#api/field-check.ts';
import { invalid, invalidStatus } from '#api/field-error.ts';
import type { KubeObject } from '#api/object.ts';
import { isObject, type JsonObject, valueAt } from '#api/patch/json-value.ts';
import type { ApiRequest } from '#api/request.ts';
import { badRequest } from '#api/status.ts';
import { checkObject, type DecodedBody, decodeYaml, identityOf, mediaType } from '../body.ts';
import type { ResourceContext } from '../context.ts';
import { duplicateFields } from '../duplicate-fields.ts';
import { goJsonError } from '#api/go-json-error.ts';
import { StatusError } from '../status-error.ts';

/** The patch of a request, decoded but not yet understood. */
export async function decodePatch({ body, contentType }: ApiRequest): Promise<DecodedBody> {
  if (typeof body !== 'string') return { value: body, duplicates: [] };
  const refuse = (why: string): StatusError => new StatusError(badRequest(`error decoding ${why}`));
  if (mediaType(contentType).endsWith('+yaml')) {
    return decodeYaml(body, (why) => refuse(`YAML: error converting YAML to JSON: ${why}`));
  }
  try {
    return { value: JSON.parse(body), duplicates: duplicateFields(body) };
  } catch (error) {
    throw refuse(`patch: ${goJsonError(body) ?? errorMessage(error)}`);
  }
}

/** As Go has it: the members of the whole in order of their names, those of its metadata as they are declared. */
function patchedText(value: unknown): string {
  if (!isObject(value)) return JSON.stringify(value);
  const sorted = Object.fromEntries(Object.entries(value).toSorted(([a], [b]) => (a < b ? -1 : 1)));
  const { metadata } = sorted;
  return JSON.stringify(isObject(metadata) ? { ...sorted, metadata: declaredOrder(metadata) } : sorted);
}

const META_ORDER = ['name', 'generateName', 'namespace', 'uid', 'resourceVersion', 'generation', 'creationTimestamp'];

function declaredOrder({ managedFields, ...metadata }: JsonObject): JsonObject {
  const first = Object.fromEntries(META_ORDER.map((key) => [key, valueAt(metadata, key)]));
  const owned = Array.isArray(managedFields) && managedFields.length > 0 ? { managedFields } : {};
  return { ...first, ...metadata, ...owned };
}

/** The patch is to blame for what the object became, not its body: it was read. */
function refusePatched(value: unknown, why: string): StatusError {
  return new StatusError(invalidStatus({ group: '', kind: '' }, '', [invalid('patch', patchedText(value), why)]));
}

/** What a patch made must still be the object that the path names. */
export function checkPatched(
  { kind, info }: ResourceContext,
  value: unknown,
  duplicates: readonly string[],
  mode: FieldValidation,
): { object: KubeObject; warnings: readonly string[] } {
  const refuse = (why: string): StatusError => refusePatched(value, why);
  const checked = checkObject({ value, duplicates }, identityOf(kind), mode, refuse);
  const { name, namespace } = checked.object.metadata;
  if (name !== info.name) {
    throw new StatusError(
      badRequest(`the name of the object (${name}) does not match the name on the URL (${info.name ?? ''})`),
    );
  }
  if (kind.resource.namespaced && namespace !== info.namespace) {
    throw new StatusError(
      badRequest('the namespace of the provided object does not match the namespace sent on the request'),
    );
  }
  return checked;
}
