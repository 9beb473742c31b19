import { addressRules } from './address-rules.ts';
import { balancerRules } from './balancer-rules.ts';
import { familyRules } from './family-rules.ts';
import { fieldRules } from './field-rules.ts';
import { objectRules } from './object-rules.ts';
import { patchRules } from './patch-rules.ts';
import type { RuleCase } from './rule-case.ts';
import { typeRules } from './type-rules.ts';
import { writeRules } from './write-rules.ts';

/** Every rule, each with a name of its own. */
export const allRules: readonly RuleCase[] = [
  ...fieldRules,
  ...addressRules,
  ...typeRules,
  ...objectRules,
  ...writeRules,
  ...balancerRules,
  ...patchRules,
  ...familyRules,
];
