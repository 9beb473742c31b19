import { errorMessage } from '#base/errors.ts';
import { checkFields, type FieldCheck, type FieldValidation } from '#api/field-check.ts';
import type { KindDefinition } from '#api/kind.ts';
import type { KubeObject } from '#api/object.ts';
import type { ApiRequest } from '#api/request.ts';
import { apiVersionOf } from '#api/resource.ts';
import { badRequest, undecodable, unsupportedMediaType } from '#api/status.ts';
import { duplicateFields, fieldPlaces } from './duplicate-fields.ts';
import { goJsonError } from '#api/go-json-error.ts';
import { repeatedKeys } from './repeated-keys.ts';
import { StatusError } from './status-error.ts';

const BODY_TYPES = ['application/json', 'application/yaml', 'application/vnd.kubernetes.protobuf'];

/** What a body holds, and the texts of fields that it holds twice. */
export interface DecodedBody {
  readonly value: unknown;
  readonly duplicates: readonly string[];
  /** Where in the body such a text belongs, where there are any. */
  readonly placeOf?: (text: string) => number;
  /** Keys of YAML that are there twice, with their lines. */
  readonly repeated?: readonly string[];
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
  if (isYaml(type)) return decodeYaml(body, (why) => unrecognized(kindName, why, body));
  try {
    const value: unknown = JSON.parse(body);
    const duplicates = duplicateFields(body);
    return duplicates.length === 0 ? { value, duplicates } : { value, duplicates, placeOf: fieldPlaces(body) };
  } catch (error) {
    const why = goJsonError(body) ?? errorMessage(error);
    throw unrecognized(kindName, `couldn't get version/kind; json parse error: ${why}`, body);
  }
}

function unrecognized(kindName: string, why: string, body: string): StatusError {
  return new StatusError(
    badRequest(`the object provided is unrecognized (must be of type ${kindName}): ${why} (${summary(body)})`),
  );
}

/** Reads YAML; `refuse` makes the error of text that is none. */
export async function decodeYaml(text: string, refuse: (why: string) => Error): Promise<DecodedBody> {
  const { LineCounter, parseDocument } = await import('yaml');
  const lineCounter = new LineCounter();
  const document = parseDocument(text, { version: '1.1', uniqueKeys: false, schema: 'core', lineCounter });
  const [problem] = document.errors;
  if (problem !== undefined) {
    const { line } = lineCounter.linePos(problem.pos[0]);
    throw refuse(yamlProblem(problem.code, problem.message, line));
  }
  const value: unknown = document.toJS({ maxAliasCount: 100 });
  return { value, duplicates: [], repeated: repeatedKeys(document, lineCounter) };
}

/** In the words of Go's reader, for the mistakes that people make. */
function yamlProblem(code: string, message: string, line: number): string {
  const at = line > 1 ? `line ${line}: ` : '';
  if (code === 'TAB_AS_INDENT') return `yaml: ${at}found character that cannot start any token`;
  if (code === 'BLOCK_AS_IMPLICIT_KEY') return `yaml: ${at}mapping values are not allowed in this context`;
  return `yaml: ${at}${(message.split('\n')[0] ?? '').replace(/ at line \d+.*$/, '')}`;
}

const SHOWN_BYTES = 30;

/** The beginning of what was sent: as it is when it looks like JSON, else in hexadecimal. */
function summary(body: string): string {
  if (body === '') return '<empty>';
  const bytes = Buffer.from(body);
  const start = bytes.subarray(0, SHOWN_BYTES);
  const shown = body.startsWith('{') ? start.toString() : start.toString('hex');
  return bytes.length > SHOWN_BYTES ? `${shown} ...` : shown;
}

interface TypeMeta {
  readonly apiVersion?: unknown;
  readonly kind?: unknown;
}

const NO_TYPE = "couldn't get version/kind; json parse error: json: cannot unmarshal";
const TYPE_META =
  'struct { APIVersion string "json:\\"apiVersion,omitempty\\""; Kind string "json:\\"kind,omitempty\\"" }';

/** Refuses a body that names another kind than the path; what it does not name is taken from the path. */
function checkType(value: unknown, expected: { apiVersion: string; kind: string }): void {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    const found = Array.isArray(value) ? 'array' : typeof value === 'boolean' ? 'bool' : typeof value;
    throw unrecognized(expected.kind, `${NO_TYPE} ${found} into Go value of type ${TYPE_META}`, JSON.stringify(value));
  }
  const { apiVersion = expected.apiVersion, kind = expected.kind } = value as TypeMeta;
  if (apiVersion === expected.apiVersion && kind === expected.kind) return;
  for (const [field, given] of Object.entries({ apiVersion, kind })) {
    if (typeof given === 'string') continue;
    const why = `${NO_TYPE} ${typeof given} into Go struct field .${field} of type string`;
    throw unrecognized(expected.kind, why, JSON.stringify(value));
  }
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

type Check = (
  value: unknown,
  mode: FieldValidation,
  duplicates?: readonly string[],
  placeOf?: (text: string) => number,
) => FieldCheck;

function byModel(model: string): Check {
  return (value, mode, duplicates, placeOf) => checkFields(model, value, mode, duplicates, placeOf);
}

/** What a body has to be. */
export interface ObjectIdentity {
  readonly apiVersion: string;
  readonly kind: string;
  readonly model: string;
  readonly custom?: KindDefinition['custom'];
}

function undecodableBody({ apiVersion, kind }: ObjectIdentity, why: string): StatusError {
  const version = apiVersion.split('/').at(-1) ?? '';
  return new StatusError(undecodable({ version, kind }, kind, why));
}

export interface CheckedObject {
  readonly object: KubeObject;
  readonly warnings: readonly string[];
}

/** Fields that are there twice, as JSON and YAML each say it. */
function problemsOf({ duplicates, repeated = [] }: DecodedBody, mode: FieldValidation): readonly string[] {
  if (repeated.length === 0) return duplicates;
  return mode === 'Strict' ? [`yaml: unmarshal errors:\n${repeated.map((text) => `  ${text}`).join('\n')}`] : repeated;
}

/** A decoded value as an object of the kind: types checked, unknown fields handled as asked; `refuse` makes the error. */
export function checkObject(
  body: DecodedBody,
  of: ObjectIdentity,
  mode: FieldValidation,
  refuse: (why: string) => StatusError = (why) => undecodableBody(of, why),
): CheckedObject {
  // Null is an object without anything.
  const value = body.value ?? {};
  checkType(value, of);
  const checked = (of.custom?.check ?? byModel(of.model))(value, mode, problemsOf(body, mode), body.placeOf);
  if (checked.kind === 'wrong') throw refuse(checked.message);
  // In the order in which people expect to read them.
  const { kind: _kind, apiVersion: _apiVersion, metadata = {}, ...rest } = checked.value as Partial<KubeObject>;
  const object = { kind: of.kind, apiVersion: of.apiVersion, metadata, ...rest } as KubeObject;
  return { object, warnings: checked.warnings };
}

export function identityOf(kind: KindDefinition): ObjectIdentity {
  const { resource, model, custom } = kind;
  return { apiVersion: apiVersionOf(resource), kind: resource.kind, model, custom };
}
