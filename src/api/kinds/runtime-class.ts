import { age, ageColumn, column, nameColumn } from '../columns.ts';
import { defineKind } from '../define-kind.ts';
import { duplicate, type FieldError } from '../field-error.ts';
import type * as t from '../generated/types.ts';
import type { KindDefinition } from '../kind.ts';
import { validateLabels } from '../meta-validation.ts';
import { checkDns1123Label } from '../names.ts';
import { validateResources } from '../pod/container-validation.ts';
import { validateTolerations } from '../pod/validation.ts';
import { runtimeClasses } from '../resource.ts';
import { invalidAll, validateImmutable } from '../validation.ts';

function validateScheduling({ nodeSelector, tolerations = [] }: t.Scheduling): FieldError[] {
  const seen = new Set<string>();
  const twice = tolerations.flatMap((toleration, i) => {
    const { key, operator, value, effect } = toleration;
    const text = JSON.stringify([key, operator, value, effect]);
    if (seen.has(text)) return [duplicate(`scheduling.tolerations[${i}]`, toleration)];
    seen.add(text);
    return [];
  });
  return [
    ...validateLabels(nodeSelector, 'scheduling.nodeSelector'),
    ...validateTolerations(tolerations, 'scheduling.tolerations'),
    ...twice,
  ];
}

export const runtimeClass: KindDefinition<t.RuntimeClass> = defineKind(runtimeClasses, {
  createOnUpdate: true,
  unconditionalUpdate: false,
  columns: [nameColumn, column('Handler', 'string', 'What runs the containers of its Pods.'), ageColumn],
  row: (of, now) => [of.metadata.name, of.handler, age(of, now)],
  validate: ({ handler = '', overhead, scheduling }) => [
    ...invalidAll('handler', handler, checkDns1123Label(handler)),
    ...(overhead === undefined ? [] : validateResources({ limits: overhead.podFixed ?? {} }, 'overhead')),
    ...(scheduling === undefined ? [] : validateScheduling(scheduling)),
  ],
  validateChange: (of, old) => validateImmutable('handler', of.handler, old.handler),
});
