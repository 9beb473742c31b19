import type { Status, StatusCause } from './object.ts';

/** What is wrong with one field; the wire's `reason` of a cause is derived from it. */
export type FieldErrorKind =
  | 'required'
  | 'invalid'
  | 'typeInvalid'
  | 'duplicate'
  | 'forbidden'
  | 'unsupported'
  | 'notFound'
  | 'tooLong'
  | 'tooMany'
  | 'internal';

export interface FieldError {
  readonly kind: FieldErrorKind;
  /** `spec.ports[0].port`. */
  readonly field: string;
  readonly value?: unknown;
  /** What stands after the value; empty for none. */
  readonly detail: string;
}

const HEADLINES: Readonly<Record<FieldErrorKind, string>> = {
  required: 'Required value',
  invalid: 'Invalid value',
  typeInvalid: 'Invalid value',
  duplicate: 'Duplicate value',
  forbidden: 'Forbidden',
  unsupported: 'Unsupported value',
  notFound: 'Not found',
  tooLong: 'Too long',
  tooMany: 'Too many',
  internal: 'Internal error',
};

const REASONS: Readonly<Record<FieldErrorKind, string>> = {
  required: 'FieldValueRequired',
  invalid: 'FieldValueInvalid',
  typeInvalid: 'FieldValueTypeInvalid',
  duplicate: 'FieldValueDuplicate',
  forbidden: 'FieldValueForbidden',
  unsupported: 'FieldValueNotSupported',
  notFound: 'FieldValueNotFound',
  tooLong: 'FieldValueTooLong',
  tooMany: 'FieldValueTooMany',
  internal: 'InternalError',
};

/** These kinds say what is wrong without showing the value. */
const WITHOUT_VALUE: ReadonlySet<FieldErrorKind> = new Set(['required', 'forbidden', 'tooLong', 'tooMany', 'internal']);

/** As the value of an error that is to be told without one. */
export const OMITTED: unique symbol = Symbol('omitted');

export function required(field: string, detail: string = ''): FieldError {
  return { kind: 'required', field, detail };
}

export function invalid(field: string, value: unknown, detail: string): FieldError {
  return { kind: 'invalid', field, value, detail };
}

/** A value of another JSON type than the field's; `type` names the one that came. */
export function typeInvalid(field: string, type: string, detail: string): FieldError {
  return { kind: 'typeInvalid', field, value: type, detail };
}

export function duplicate(field: string, value: unknown): FieldError {
  return { kind: 'duplicate', field, value, detail: '' };
}

export function forbidden(field: string, detail: string): FieldError {
  return { kind: 'forbidden', field, detail };
}

/** `supported` is shown in the order given; upstream sorts it nearly everywhere, so callers pass sorted lists. */
export function unsupported(field: string, value: unknown, supported: readonly string[]): FieldError {
  const list = supported.map((value) => JSON.stringify(value)).join(', ');
  return { kind: 'unsupported', field, value, detail: list === '' ? '' : `supported values: ${list}` };
}

export function notFound(field: string, value: unknown): FieldError {
  return { kind: 'notFound', field, value, detail: '' };
}

export function tooLong(field: string, maxBytes: number): FieldError {
  return { kind: 'tooLong', field, detail: `may not be more than ${maxBytes} bytes` };
}

export function tooMany(field: string, actual: number, max: number): FieldError {
  return { kind: 'tooMany', field, value: actual, detail: `must have at most ${max} ${max === 1 ? 'item' : 'items'}` };
}

export function internal(field: string, detail: string): FieldError {
  return { kind: 'internal', field, detail };
}

/** `\\u0001` of JSON is `\\x01` in the quotes of Go. */
function hexEscape(found: string, digits?: string): string {
  return digits === undefined ? found : `\\x${digits}`;
}

/** As Go writes JSON: in objects and lists what HTML would take for its own is escaped. */
function valueText(value: unknown): string {
  const text = JSON.stringify(value ?? null);
  if (typeof value === 'string') return text.replaceAll(/\\\\|\\u00([01][0-9a-f])/g, hexEscape);
  if (typeof value !== 'object') return text;
  return text.replaceAll(/[<>&]/g, (character) => `\\u00${character.charCodeAt(0).toString(16)}`);
}

/** The error without its field: `Invalid value: 0: must be between 1 and 65535, inclusive`. */
function fieldErrorBody(error: FieldError): string {
  let text = HEADLINES[error.kind];
  if (error.kind === 'tooMany') text += `: ${String(error.value)}`;
  else if (!WITHOUT_VALUE.has(error.kind) && error.value !== OMITTED) text += `: ${valueText(error.value)}`;
  return error.detail === '' ? text : `${text}: ${error.detail}`;
}

/** An error of the object as a whole has no path. */
function fieldText({ field }: FieldError): string {
  return field === '' ? '<nil>' : field;
}

export function fieldErrorText(error: FieldError): string {
  return `${fieldText(error)}: ${fieldErrorBody(error)}`;
}

/** One error as it stands, several in brackets; the same text is said once. */
export function fieldErrorsText(errors: readonly FieldError[]): string {
  const texts = [...new Set(errors.map(fieldErrorText))];
  return texts.length === 1 ? (texts[0] ?? '') : `[${texts.join(', ')}]`;
}

function cause(error: FieldError): StatusCause {
  return { reason: REASONS[error.kind], message: fieldErrorBody(error), field: fieldText(error) };
}

/** The 422 of an object that is not valid. */
export function invalidStatus(
  of: { readonly group: string; readonly kind: string },
  name: string,
  errors: readonly FieldError[],
): Status {
  const kind = of.group === '' ? of.kind : `${of.kind}.${of.group}`;
  const quoted = JSON.stringify(name);
  return {
    apiVersion: 'v1',
    kind: 'Status',
    metadata: {},
    status: 'Failure',
    message:
      errors.length === 0 ? `${kind} ${quoted} is invalid` : `${kind} ${quoted} is invalid: ${fieldErrorsText(errors)}`,
    reason: 'Invalid',
    details: {
      ...(name === '' ? {} : { name }),
      ...(of.group === '' ? {} : { group: of.group }),
      kind: of.kind,
      ...(errors.length === 0 ? {} : { causes: errors.map(cause) }),
    },
    code: 422,
  };
}
