import { type FieldError, type FieldErrorKind, invalid } from '../field-error.ts';
import type { KubeObject } from '../object.ts';
import { validateRules } from './rule-validation.ts';
import { type RuleTree, schemaRules } from './schema-rules.ts';
import type { StructuralSchema } from './structural-schema.ts';
import { validateValue } from './value-validation.ts';

/** With one of these the object has not the shape that rules were written for. */
const BLOCKING: ReadonlySet<FieldErrorKind> = new Set(['unsupported', 'required', 'tooLong', 'tooMany', 'typeInvalid']);

const UNASKED: FieldError = invalid(
  '',
  null,
  'some validation rules were not checked because the object was invalid; correct the existing errors to complete validation',
);

/** What objects of a schema must hold: what it says of values, then its rules. `old` is absent on create. */
export function customValidator(schema: StructuralSchema): (object: KubeObject, old?: KubeObject) => FieldError[] {
  let rules: RuleTree | null | undefined;
  return (object, old) => {
    const errors = validateValue(object, schema, '', old);
    // Compiled when first asked for: a cluster starts with more definitions than it uses.
    if (rules === undefined) rules = schemaRules(schema) ?? null;
    if (rules === null) return errors;
    if (errors.some(({ kind }) => BLOCKING.has(kind))) return [...errors, UNASKED];
    return [...errors, ...validateRules(rules, object, old)];
  };
}
