import { age, ageColumn, column, nameColumn } from '../columns.ts';
import { defineKind } from '../define-kind.ts';
import { deepEqual } from '../equal.ts';
import { type FieldError, forbidden, invalid, required, unsupported } from '../field-error.ts';
import { validateConditions } from '../flowcontrol/conditions.ts';
import { MANDATORY_LEVELS } from '../flowcontrol/default-objects.ts';
import type * as t from '../generated/types.ts';
import type { KindDefinition } from '../kind.ts';
import { priorityLevelConfigurations } from '../resource.ts';

const DEFAULT_SHARES = 30;
const DEFAULT_QUEUES = { queues: 64, handSize: 8, queueLengthLimit: 50 } as const;
const MAX_QUEUES = 10_000_000;
/** So many bits of a hash there are to deal hands with. */
const MAX_HASH_BITS = 60;

type Spec = t.PriorityLevelConfigurationSpec;
type Limited = t.LimitedPriorityLevelConfiguration;

function withDefaults(spec: Spec): Spec {
  const { exempt, limited } = spec;
  const lendablePercent = (exempt ?? limited)?.lendablePercent ?? 0;
  return {
    ...spec,
    ...(exempt === undefined
      ? {}
      : { exempt: { nominalConcurrencyShares: exempt.nominalConcurrencyShares ?? 0, lendablePercent } }),
    ...(limited === undefined ? {} : { limited: limitedDefaults(limited) }),
  };
}

function limitedDefaults(limited: Limited): Limited {
  const { queuing } = limited.limitResponse ?? {};
  const { queues, handSize, queueLengthLimit } = queuing ?? {};
  return {
    ...limited,
    nominalConcurrencyShares: limited.nominalConcurrencyShares ?? DEFAULT_SHARES,
    lendablePercent: limited.lendablePercent ?? 0,
    ...(queuing === undefined
      ? {}
      : {
          limitResponse: {
            type: limited.limitResponse?.type ?? '',
            queuing: {
              queues: queues || DEFAULT_QUEUES.queues,
              handSize: handSize || DEFAULT_QUEUES.handSize,
              queueLengthLimit: queueLengthLimit || DEFAULT_QUEUES.queueLengthLimit,
            },
          },
        }),
  };
}

function validateShares(of: Partial<Limited>, at: string): FieldError[] {
  const { nominalConcurrencyShares: shares = 0 } = of;
  if (shares >= 0) return [];
  return [invalid(`${at}.nominalConcurrencyShares`, shares, 'must be a non-negative integer')];
}

function validateLendable({ lendablePercent = 0 }: Partial<Limited>, at: string): FieldError[] {
  if (lendablePercent >= 0 && lendablePercent <= 100) return [];
  return [invalid(`${at}.lendablePercent`, lendablePercent, 'must be between 0 and 100, inclusive')];
}

function validateLimited(limited: Limited): FieldError[] {
  const at = 'spec.limited';
  const { borrowingLimitPercent: borrowing = 0 } = limited;
  return [
    ...validateShares(limited, at),
    ...validateResponse(limited.limitResponse ?? { type: '' }, `${at}.limitResponse`),
    ...validateLendable(limited, at),
    ...(borrowing < 0
      ? [invalid(`${at}.borrowingLimitPercent`, borrowing, 'if specified, must be a non-negative integer')]
      : []),
  ];
}

function validateResponse({ type, queuing }: t.LimitResponse, at: string): FieldError[] {
  const field = `${at}.queuing`;
  if (type === 'Reject') {
    const text = 'must be nil if limited.limitResponse.type is not Limited';
    return queuing === undefined ? [] : [forbidden(field, text)];
  }
  if (type !== 'Queue') return [unsupported(`${at}.type`, type, ['Queue', 'Reject'])];
  if (queuing !== undefined) return validateQueuing(queuing, field);
  return [required(field, 'must not be empty if limited.limitResponse.type is Limited')];
}

function validateQueuing(queuing: t.QueuingConfiguration, at: string): FieldError[] {
  const { queueLengthLimit = 0, queues = 0, handSize = 0 } = queuing;
  const errors: FieldError[] = [];
  if (queueLengthLimit <= 0) errors.push(invalid(`${at}.queueLengthLimit`, queueLengthLimit, 'must be positive'));
  if (queues <= 0) errors.push(invalid(`${at}.queues`, queues, 'must be positive'));
  else if (queues > MAX_QUEUES) {
    errors.push(invalid(`${at}.queues`, queues, `must not be greater than ${MAX_QUEUES}`));
  }
  const why = handProblem(handSize, queues);
  return why === undefined ? errors : [...errors, invalid(`${at}.handSize`, handSize, why)];
}

function handProblem(hand: number, queues: number): string | undefined {
  if (hand <= 0) return 'must be positive';
  if (hand > queues) return `should not be greater than queues (${queues})`;
  if (Math.ceil(Math.log2(queues) * hand) <= MAX_HASH_BITS) return undefined;
  return `required entropy bits of deckSize ${queues} and handSize ${hand} should not be greater than ${MAX_HASH_BITS}`;
}

function validateType(spec: Spec): FieldError[] {
  const { type = '', limited, exempt } = spec;
  switch (type) {
    case 'Exempt':
      return [
        ...(limited === undefined ? [] : [forbidden('spec.limited', 'must be nil if the type is not Limited')]),
        ...(exempt === undefined
          ? []
          : [...validateShares(exempt, 'spec.exempt'), ...validateLendable(exempt, 'spec.exempt')]),
      ];
    case 'Limited':
      return [
        ...(exempt === undefined ? [] : [forbidden('spec.exempt', 'must be nil if the type is Limited')]),
        ...(limited === undefined
          ? [required('spec.limited', 'must not be empty when type is Limited')]
          : validateLimited(limited)),
      ];
    default:
      return [unsupported('spec.type', type, ['Exempt', 'Limited'])];
  }
}

function validateFixed(spec: Spec, name: string): FieldError[] {
  const fixed = Object.hasOwn(MANDATORY_LEVELS, name) ? MANDATORY_LEVELS[name] : undefined;
  if (fixed === undefined) return [];
  const isExempt = fixed.type === 'Exempt';
  const compared = isExempt ? { ...spec, exempt: fixed.exempt } : spec;
  if (deepEqual(compared, fixed)) return [];
  const but = isExempt ? " except the 'spec.exempt' field" : '';
  return [invalid('spec', spec, `spec of '${name}'${but} must equal the fixed value`)];
}

function validate({ metadata, spec }: t.PriorityLevelConfiguration): FieldError[] {
  const { name = '' } = metadata;
  const { type = '' } = spec;
  const misnamed = (name === 'exempt') !== (type === 'Exempt');
  return [
    ...(misnamed ? [invalid('spec.type', type, "must be 'Exempt' if and only if `name` is 'exempt'")] : []),
    ...validateType(spec),
    ...validateFixed(spec, name),
  ];
}

export const priorityLevelConfiguration: KindDefinition<t.PriorityLevelConfiguration> = defineKind(
  priorityLevelConfigurations,
  {
    generation: true,
    subresources: { status: true },
    columns: [
      nameColumn,
      column('Type', 'string', 'Whether its requests are limited.'),
      column('NominalConcurrencyShares', 'string', 'Its share of the requests that run at a time.'),
      column('Queues', 'string', 'How many queues it has.'),
      column('HandSize', 'string', 'Between how many of these a flow may choose.'),
      column('QueueLengthLimit', 'string', 'How many requests wait in one.'),
      ageColumn,
    ],
    row: (of, now) => {
      const { type, limited } = of.spec;
      const queuing = limited?.limitResponse?.queuing;
      return [
        of.metadata.name,
        type,
        limited?.nominalConcurrencyShares ?? '<none>',
        queuing?.queues ?? '<none>',
        queuing?.handSize ?? '<none>',
        queuing?.queueLengthLimit ?? '<none>',
        age(of, now),
      ];
    },
    defaults: (of) => ({ ...of, spec: withDefaults(of.spec) }),
    validate,
    validateStatus: ({ status }) => validateConditions(status?.conditions),
  },
);
