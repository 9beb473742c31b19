import { age, ageColumn, column, nameColumn } from '../columns.ts';
import { defineKind } from '../define-kind.ts';
import { deepEqual } from '../equal.ts';
import { type FieldError, invalid, required, unsupported } from '../field-error.ts';
import { validateConditions } from '../flowcontrol/conditions.ts';
import { MANDATORY_SCHEMAS } from '../flowcontrol/default-objects.ts';
import { validateFlowRule } from '../flowcontrol/flow-rule.ts';
import type * as t from '../generated/types.ts';
import type { KindDefinition } from '../kind.ts';
import { checkDns1123Subdomain } from '../names.ts';
import { flowSchemas } from '../resource.ts';
import { invalidAll } from '../validation.ts';

const DEFAULT_PRECEDENCE = 1000;
const MAX_PRECEDENCE = 10_000;
const METHODS = ['ByNamespace', 'ByUser'];

function validatePrecedence(precedence: number, name: string): FieldError[] {
  const at = 'spec.matchingPrecedence';
  if (precedence <= 0) return [invalid(at, precedence, 'must be a positive value')];
  if (precedence > MAX_PRECEDENCE) return [invalid(at, precedence, `must not be greater than ${MAX_PRECEDENCE}`)];
  if (precedence !== 1 || name === 'exempt') return [];
  return [invalid(at, precedence, "only the schema named 'exempt' may have matchingPrecedence 1")];
}

function validateLevel(name: string): FieldError[] {
  const at = 'spec.priorityLevelConfiguration.name';
  return name === ''
    ? [required(at, 'must reference a priority level')]
    : invalidAll(at, name, checkDns1123Subdomain(name));
}

function validate({ metadata, spec }: t.FlowSchema): FieldError[] {
  const { name = '' } = metadata;
  const { matchingPrecedence = 0, distinguisherMethod: by, priorityLevelConfiguration: level, rules = [] } = spec;
  const fixed = Object.hasOwn(MANDATORY_SCHEMAS, name) ? MANDATORY_SCHEMAS[name] : undefined;
  return [
    ...validatePrecedence(matchingPrecedence, name),
    ...(by === undefined || METHODS.includes(by.type)
      ? []
      : [unsupported('spec.distinguisherMethod.type', by, METHODS)]),
    ...validateLevel(level?.name ?? ''),
    ...rules.flatMap((rule, i) => validateFlowRule(rule, `spec.rules[${i}]`)),
    ...(fixed === undefined || deepEqual(spec, fixed)
      ? []
      : [invalid('spec', spec, `spec of '${name}' must equal the fixed value`)]),
  ];
}

export const flowSchema: KindDefinition<t.FlowSchema> = defineKind(flowSchemas, {
  generation: true,
  subresources: { status: true },
  columns: [
    nameColumn,
    column('PriorityLevel', 'string', 'The level at which its requests are dealt with.'),
    column('MatchingPrecedence', 'string', 'The lowest of all schemas that match decides.'),
    column('DistinguisherMethod', 'string', 'What makes a flow of requests.'),
    ageColumn,
    column('MissingPL', 'string', 'Whether there is no such level.'),
  ],
  row: (of, now) => {
    const { priorityLevelConfiguration: level, matchingPrecedence, distinguisherMethod } = of.spec;
    return [
      of.metadata.name,
      level?.name ?? '',
      matchingPrecedence ?? 0,
      distinguisherMethod?.type ?? '<none>',
      age(of, now),
      of.status?.conditions?.find(({ type }) => type === 'Dangling')?.status ?? '?',
    ];
  },
  defaults: (of) => ({
    ...of,
    spec: { ...of.spec, matchingPrecedence: of.spec.matchingPrecedence || DEFAULT_PRECEDENCE },
  }),
  validate,
  validateStatus: ({ status }) => validateConditions(status?.conditions),
});
