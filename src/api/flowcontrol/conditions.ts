import { duplicate, type FieldError, required } from '../field-error.ts';

/** Conditions of both kinds: each has a type, and no two the same. */
export function validateConditions(conditions: readonly { readonly type?: string | undefined }[] = []): FieldError[] {
  const seen = new Set<string>();
  return conditions.flatMap(({ type = '' }, i) => {
    const at = `status.conditions[${i}].type`;
    const errors = seen.has(type) ? [duplicate(at, type)] : [];
    seen.add(type);
    return type === '' ? [...errors, required(at)] : errors;
  });
}
