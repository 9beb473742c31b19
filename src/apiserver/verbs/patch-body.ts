import { errorMessage } from '#base/errors.ts';
import { type FieldValidation } from '#api/field-check.ts';
import { type KubeObject } from '#api/object.ts';
import { type ApiRequest } from '#api/request.ts';
import { badRequest } from '#api/status.ts';
import { checkObject, type DecodedBody, decodeYaml, identityOf, mediaType } from '../body.ts';
import { type ResourceContext } from '../context.ts';
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

/** What a patch made must still be the object that the path names. */
export function checkPatched(
  { kind, info }: ResourceContext,
  value: unknown,
  duplicates: readonly string[],
  mode: FieldValidation,
): { object: KubeObject; warnings: readonly string[] } {
  const checked = checkObject({ value, duplicates }, identityOf(kind), mode);
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
