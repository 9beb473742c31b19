import { addressRules } from './address-rules.ts';
import { fieldRules } from './field-rules.ts';
import { objectRules } from './object-rules.ts';
import { type RuleCase } from './rule-case.ts';
import { typeRules } from './type-rules.ts';
import { writeRules } from './write-rules.ts';

/** Every rule, each with a name of its own. */
export const allRules: readonly RuleCase[] = [
  ...fieldRules,
  ...addressRules,
  ...typeRules,
  ...objectRules,
  ...writeRules,
];
