import { age, ageColumn, column, nameColumn } from '../columns.ts';
import { defineKind } from '../define-kind.ts';
import type * as t from '../generated/types.ts';
import type { KindDefinition } from '../kind.ts';
import { serviceAccounts } from '../resource.ts';

export const serviceAccount: KindDefinition<t.ServiceAccount> = defineKind(serviceAccounts, {
  shortNames: ['sa'],
  subresources: {
    others: [{ name: 'token', kind: 'TokenRequest', group: 'authentication.k8s.io', version: 'v1', verbs: ['create'] }],
  },
  columns: [nameColumn, column('Secrets', 'string', 'Number of Secrets that Pods of the account may use.'), ageColumn],
  row: (account, now) => [account.metadata.name, account.secrets?.length ?? 0, age(account, now)],
});
