import { validateWebhooks, withDefaults } from '../admission/webhook.ts';
import { age, ageColumn, column, nameColumn } from '../columns.ts';
import { defineKind } from '../define-kind.ts';
import type * as t from '../generated/types.ts';
import type { KindDefinition } from '../kind.ts';
import { validatingWebhookConfigurations } from '../resource.ts';

export const validatingWebhookConfiguration: KindDefinition<t.ValidatingWebhookConfiguration> = defineKind(
  validatingWebhookConfigurations,
  {
    categories: ['api-extensions'],
    generation: (of) => of.webhooks,
    columns: [nameColumn, column('Webhooks', 'integer', 'How many webhooks it registers.'), ageColumn],
    row: (of, now) => [of.metadata.name, of.webhooks?.length ?? 0, age(of, now)],
    defaults: (of) => (of.webhooks === undefined ? of : { ...of, webhooks: of.webhooks.map(withDefaults) }),
    validate: validateWebhooks,
  },
);
