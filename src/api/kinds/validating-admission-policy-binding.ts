import { age, ageColumn, column, nameColumn } from '../columns.ts';
import { defineKind } from '../define-kind.ts';
import type * as t from '../generated/types.ts';
import type { KindDefinition } from '../kind.ts';
import { matchDefaults } from '../policy/match-resources.ts';
import { validatePolicyBinding } from '../policy/policy-validation.ts';
import { validatingAdmissionPolicyBindings } from '../resource.ts';

function paramCell({ name = '', namespace = '*' }: t.ParamRef = {}): string {
  return name === '' ? '<unset>' : `${namespace}/${name}`;
}

export const validatingAdmissionPolicyBinding: KindDefinition<t.ValidatingAdmissionPolicyBinding> = defineKind(
  validatingAdmissionPolicyBindings,
  {
    categories: ['api-extensions'],
    generation: true,
    columns: [
      nameColumn,
      column('PolicyName', 'string', 'The policy that it puts into force.'),
      column('ParamRef', 'string', 'What the rules go by.'),
      ageColumn,
    ],
    row: (of, now) => [of.metadata.name, of.spec.policyName, paramCell(of.spec.paramRef), age(of, now)],
    defaults: (of) => {
      const { matchResources: match } = of.spec;
      return match === undefined ? of : { ...of, spec: { ...of.spec, matchResources: matchDefaults(match) } };
    },
    validate: validatePolicyBinding,
  },
);
