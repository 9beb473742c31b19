import { age, ageColumn, column, nameColumn } from '../columns.ts';
import { defineKind } from '../define-kind.ts';
import { required } from '../field-error.ts';
import type * as t from '../generated/types.ts';
import type { KindDefinition } from '../kind.ts';
import { ingressClasses } from '../resource.ts';
import { validateImmutable } from '../validation.ts';

function parametersCell(parameters: t.IngressClassParametersReference | undefined): string {
  if (parameters === undefined) return '<none>';
  const group = parameters.apiGroup === undefined ? '' : `.${parameters.apiGroup}`;
  return `${parameters.kind}${group}/${parameters.name}`;
}

export const ingressClass: KindDefinition<t.IngressClass> = defineKind(ingressClasses, {
  generation: true,
  columns: [
    nameColumn,
    column('Controller', 'string', 'What implements the class.'),
    column('Parameters', 'string', 'The object with the parameters of the class.'),
    ageColumn,
  ],
  row: (of, now) => [of.metadata.name, of.spec.controller ?? '', parametersCell(of.spec.parameters), age(of, now)],
  defaults: (of) => {
    const { parameters } = of.spec;
    if (parameters === undefined) return of;
    return { ...of, spec: { ...of.spec, parameters: { ...parameters, scope: parameters.scope ?? 'Cluster' } } };
  },
  validate: ({ spec }) => ((spec.controller ?? '') === '' ? [required('spec.controller')] : []),
  validateChange: ({ spec }, { spec: old }) => validateImmutable('spec.controller', spec.controller, old.controller),
});
