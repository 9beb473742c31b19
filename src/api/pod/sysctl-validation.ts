import { duplicate, type FieldError, invalid, required } from '../field-error.ts';
import type { Sysctl } from '../generated/types.ts';

const MAX_LENGTH = 253;
const PATTERN = '^([a-z0-9]([-_a-z0-9]*[a-z0-9])?[\\./])*[a-z0-9]([-_a-z0-9]*[a-z0-9])?$';
const NAME = new RegExp(PATTERN);

/** Of a Pod's securityContext. Whether they may be set, and where, its node decides. */
export function validateSysctls(sysctls: readonly Sysctl[] = [], at: string): FieldError[] {
  const seen = new Set<string>();
  return sysctls.flatMap(({ name = '' }, i) => {
    const field = `${at}[${i}].name`;
    const isKnown = seen.has(name);
    seen.add(name);
    if (name === '') return [required(field)];
    if (name.length > MAX_LENGTH || !NAME.test(name)) {
      return [invalid(field, name, `must have at most ${MAX_LENGTH} characters and match regex ${PATTERN}`)];
    }
    return isKnown ? [duplicate(field, name)] : [];
  });
}
