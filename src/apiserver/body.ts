import { errorMessage } from '#base/errors.ts';
import { checkFields, type FieldCheck, type FieldValidation } from '#api/field-check.ts';
import { type KindDefinition } from '#api/kind.ts';
import { type KubeObject } from '#api/object.ts';
import { type ApiRequest } from '#api/request.ts';
import { apiVersionOf } from '#api/resource.ts';
import { badRequest, undecodable, unsupportedMediaType } from '#api/status.ts';
import { duplicateFields } from './duplicate-fields.ts';
import { StatusError } from './status-error.ts';

const BODY_TYPES = ['application/json', 'application/yaml'];

/** What a body holds, and the texts of fields that it holds twice. */
export interface DecodedBody {
  readonly value: unknown;
  readonly duplicates: readonly string[];
}

/** `application/json; charset=utf-8` without its parameters. */
export function mediaType(contentType: string | undefined): string {
  return (contentType ?? '').split(';')[0]?.trim().toLowerCase() ?? '';
}

function isYaml(type: string): boolean {
  return type === 'application/yaml' || type === 'text/yaml' || type === 'application/x-yaml';
}

/** Reads the body as JSON or YAML. In process it comes decoded, and nothing is left to do. */
export async function decodeBody(request: ApiRequest, kindName: string): Promise<DecodedBody> {
  const { body } = request;
  const type = mediaType(request.contentType);
  if (typeof body !== 'string') return { value: body, duplicates: [] };
  if (type !== '' && type !== 'application/json' && !isYaml(type)) {
    throw new StatusError(unsupportedMediaType(BODY_TYPES));
  }
  try {
    if (isYaml(type)) return await decodeYaml(body);
    return { value: JSON.parse(body), duplicates: duplicateFields(body) };
  } catch (error) {
    const why = `couldn't get version/kind; json parse error: ${errorMessage(error)}`;
    throw new StatusError(
      badRequest(`the object provided is unrecognized (must be of type ${kindName}): ${why} (${summary(body)})`),
    );
  }
}

export async function decodeYaml(text: string): Promise<DecodedBody> {
  const { parseDocument } = await import('yaml');
  const document = parseDocument(text, { version: '1.1', uniqueKeys: false, schema: 'core' });
  const problem = document.errors[0];
  if (problem !== undefined) throw problem;
  const value: unknown = document.toJS({ maxAliasCount: 100 });
  return { value, duplicates: [] };
}

function summary(body: string): string {
  if (body === '') return 'empty';
  const bytes = Buffer.from(body);
  const hex = bytes.subarray(0, 30).toString('hex');
  return bytes.length > 30 ? `${hex} ...` : hex;
}

interface TypeMeta {
  readonly apiVersion?: unknown;
  readonly kind?: unknown;
}

/** Refuses a body that names another kind than the path; what it does not name is taken from the path. */
function checkType(value: unknown, expected: { apiVersion: string; kind: string }): void {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    throw new StatusError(
      badRequest(`the object provided is unrecognized (must be of type ${expected.kind}): not an object`),
    );
  }
  const { apiVersion = expected.apiVersion, kind = expected.kind } = value as TypeMeta;
  if (apiVersion === expected.apiVersion && kind === expected.kind) return;
  const version = String(apiVersion);
  if (kind === expected.kind) {
    const wanted = expected.apiVersion;
    throw new StatusError(
      badRequest(`the API version in the data (${version}) does not match the expected API version (${wanted})`),
    );
  }
  const bare = version.split('/').at(-1) ?? '';
  const why = `no kind ${JSON.stringify(kind)} is registered for this path, it serves ${expected.apiVersion}, Kind=${expected.kind}`;
  throw new StatusError(undecodable({ version: bare, kind: String(kind) }, expected.kind, why));
}

type Check = (value: unknown, mode: FieldValidation, duplicates?: readonly string[]) => FieldCheck;

function byModel(model: string): Check {
  return (value, mode, duplicates) => checkFields(model, value, mode, duplicates);
}

/** What a body has to be. */
export interface ObjectIdentity {
  readonly apiVersion: string;
  readonly kind: string;
  readonly model: string;
  readonly custom?: KindDefinition['custom'];
}

export interface CheckedObject {
  readonly object: KubeObject;
  readonly warnings: readonly string[];
}

/** A decoded value as an object of the kind: types checked, unknown fields handled as asked. */
export function checkObject(body: DecodedBody, of: ObjectIdentity, mode: FieldValidation): CheckedObject {
  checkType(body.value, of);
  const checked = (of.custom?.check ?? byModel(of.model))(body.value, mode, body.duplicates);
  if (checked.kind === 'wrong') {
    const version = of.apiVersion.split('/').at(-1) ?? '';
    throw new StatusError(undecodable({ version, kind: of.kind }, of.kind, checked.message));
  }
  // In the order in which people expect to read them.
  const { kind: _kind, apiVersion: _apiVersion, metadata = {}, ...rest } = checked.value as Partial<KubeObject>;
  const object = { kind: of.kind, apiVersion: of.apiVersion, metadata, ...rest } as KubeObject;
  return { object, warnings: checked.warnings };
}

export function identityOf(kind: KindDefinition): ObjectIdentity {
  const { resource, model, custom } = kind;
  return { apiVersion: apiVersionOf(resource), kind: resource.kind, model, custom };
}
