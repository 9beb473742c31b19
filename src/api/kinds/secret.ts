import { age, ageColumn, column, nameColumn } from '../columns.ts';
import { defineKind } from '../define-kind.ts';
import { deepEqual } from '../equal.ts';
import { type FieldError, forbidden, invalid, required, tooLong } from '../field-error.ts';
import type * as t from '../generated/types.ts';
import { goJsonError } from '../go-json-error.ts';
import type { KindDefinition } from '../kind.ts';
import { checkConfigKey } from '../names.ts';
import { secrets } from '../resource.ts';
import { invalidAll, validateImmutable } from '../validation.ts';

const MAX_BYTES = 1024 * 1024;

/** Keys that a Secret of a well-known type has to hold. */
const REQUIRED_KEYS: ReadonlyMap<string, readonly string[]> = new Map([
  ['kubernetes.io/dockercfg', ['.dockercfg']],
  ['kubernetes.io/dockerconfigjson', ['.dockerconfigjson']],
  ['kubernetes.io/ssh-auth', ['ssh-privatekey']],
  ['kubernetes.io/tls', ['tls.crt', 'tls.key']],
]);

const BASIC_AUTH = 'kubernetes.io/basic-auth';
const ACCOUNT_TOKEN = 'kubernetes.io/service-account-token';
const ACCOUNT_NAME = 'kubernetes.io/service-account.name';

/** `stringData` is for writing only: its texts end up among `data`. */
function defaults({ stringData, ...secret }: t.Secret): t.Secret {
  const type = secret.type ?? 'Opaque';
  if (stringData === undefined) return { ...secret, type };
  const encoded = Object.entries(stringData).map(([key, text]) => [key, Buffer.from(text).toString('base64')]);
  return { ...secret, type, data: { ...secret.data, ...Object.fromEntries(encoded) } };
}

function validateDockerConfig(data: Readonly<Record<string, string>>, type: string): FieldError[] {
  const key = type === 'kubernetes.io/dockercfg' ? '.dockercfg' : '.dockerconfigjson';
  const value = data[key];
  if (value === undefined || REQUIRED_KEYS.get(type)?.includes(key) !== true) return [];
  const problem = goJsonError(Buffer.from(value, 'base64').toString());
  return problem === undefined ? [] : [invalid(`data[${key}]`, '<secret contents redacted>', problem)];
}

function validate({ data = {}, type = '', metadata }: t.Secret): FieldError[] {
  const errors: FieldError[] = [];
  let bytes = 0;
  for (const [key, value] of Object.entries(data)) {
    errors.push(...invalidAll(`data[${key}]`, key, checkConfigKey(key)));
    bytes += Buffer.byteLength(value, 'base64');
  }
  if (bytes > MAX_BYTES) errors.push(tooLong('data', MAX_BYTES));
  for (const key of REQUIRED_KEYS.get(type) ?? []) {
    if (!Object.hasOwn(data, key)) errors.push(required(`data[${key}]`));
  }
  if (type === BASIC_AUTH && !Object.hasOwn(data, 'username') && !Object.hasOwn(data, 'password')) {
    errors.push(required('data[username]'), required('data[password]'));
  }
  errors.push(...validateDockerConfig(data, type));
  if (type === ACCOUNT_TOKEN && (metadata.annotations?.[ACCOUNT_NAME] ?? '') === '') {
    errors.push(required(`metadata.annotations[${ACCOUNT_NAME}]`));
  }
  return errors;
}

function validateChange(secret: t.Secret, old: t.Secret): FieldError[] {
  const errors = validateImmutable('type', secret.type, old.type);
  if (old.immutable !== true) return errors;
  const text = 'field is immutable when `immutable` is set';
  if (secret.immutable !== true) errors.push(forbidden('immutable', text));
  if (!deepEqual(secret.data ?? {}, old.data ?? {})) errors.push(forbidden('data', text));
  return errors;
}

export const secret: KindDefinition<t.Secret> = defineKind(secrets, {
  columns: [
    nameColumn,
    column('Type', 'string', 'What the data is meant for.'),
    column('Data', 'string', 'Number of keys.'),
    ageColumn,
  ],
  row: (secret, now) => [
    secret.metadata.name,
    secret.type ?? '',
    Object.keys(secret.data ?? {}).length,
    age(secret, now),
  ],
  fields: { type: ({ type }) => type ?? '' },
  defaults,
  validate,
  validateChange,
});
