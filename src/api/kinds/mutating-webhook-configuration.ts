import { validateWebhooks, withDefaults } from '../admission/webhook.ts';
import { age, ageColumn, column, nameColumn } from '../columns.ts';
import { defineKind } from '../define-kind.ts';
import type * as t from '../generated/types.ts';
import type { KindDefinition } from '../kind.ts';
import { mutatingWebhookConfigurations } from '../resource.ts';

function withMutatingDefaults(webhook: t.MutatingWebhook): t.MutatingWebhook {
  return { ...withDefaults(webhook), reinvocationPolicy: webhook.reinvocationPolicy ?? 'Never' };
}

export const mutatingWebhookConfiguration: KindDefinition<t.MutatingWebhookConfiguration> = defineKind(
  mutatingWebhookConfigurations,
  {
    categories: ['api-extensions'],
    generation: (of) => of.webhooks,
    columns: [nameColumn, column('Webhooks', 'integer', 'How many webhooks it registers.'), ageColumn],
    row: (of, now) => [of.metadata.name, of.webhooks?.length ?? 0, age(of, now)],
    defaults: (of) => (of.webhooks === undefined ? of : { ...of, webhooks: of.webhooks.map(withMutatingDefaults) }),
    validate: validateWebhooks,
  },
);
