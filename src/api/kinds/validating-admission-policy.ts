import { age, ageColumn, column, nameColumn } from '../columns.ts';
import { defineKind } from '../define-kind.ts';
import type * as t from '../generated/types.ts';
import type { KindDefinition } from '../kind.ts';
import { matchDefaults } from '../policy/match-resources.ts';
import { validatePolicy } from '../policy/policy-validation.ts';
import { validatingAdmissionPolicies } from '../resource.ts';

export const validatingAdmissionPolicy: KindDefinition<t.ValidatingAdmissionPolicy> = defineKind(
  validatingAdmissionPolicies,
  {
    categories: ['api-extensions'],
    generation: true,
    subresources: { status: true },
    columns: [
      nameColumn,
      column('Validations', 'integer', 'How many rules it has.'),
      column('ParamKind', 'string', 'The kind of what its rules go by.'),
      ageColumn,
    ],
    row: (of, now) => {
      const { validations = [], paramKind } = of.spec;
      const kind = paramKind === undefined ? '<unset>' : `${paramKind.apiVersion ?? ''}/${paramKind.kind ?? ''}`;
      return [of.metadata.name, validations.length, kind, age(of, now)];
    },
    defaults: (of) => {
      const { failurePolicy = 'Fail', matchConstraints: match } = of.spec;
      return {
        ...of,
        spec: { ...of.spec, failurePolicy, ...(match === undefined ? {} : { matchConstraints: matchDefaults(match) }) },
      };
    },
    validate: validatePolicy,
  },
);
