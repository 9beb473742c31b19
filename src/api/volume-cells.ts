import { type FieldError, forbidden, unsupported } from './field-error.ts';

const MODES: readonly (readonly [string, string])[] = [
  ['ReadWriteOnce', 'RWO'],
  ['ReadOnlyMany', 'ROX'],
  ['ReadWriteMany', 'RWX'],
  ['ReadWriteOncePod', 'RWOP'],
];

/** `RWO,RWX`, each once and in a fixed order. */
export function accessModesCell(modes: readonly string[] | undefined): string {
  return MODES.filter(([mode]) => modes?.includes(mode) === true)
    .map(([, short]) => short)
    .join(',');
}

/** What a claim or a volume may say of how it is mounted. */
export function validateModes(modes: readonly string[] = []): FieldError[] {
  const known = MODES.map(([mode]) => mode).sort();
  const field = 'spec.accessModes';
  const errors = modes.filter((mode) => !known.includes(mode)).map((mode) => unsupported(field, mode, known));
  const others = modes.some((mode) => mode !== 'ReadWriteOncePod' && known.includes(mode));
  if (!modes.includes('ReadWriteOncePod') || !others) return errors;
  return [...errors, forbidden(field, 'may not use ReadWriteOncePod with other access modes')];
}
