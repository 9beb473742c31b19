import { column, nameColumn } from '../columns.ts';
import { defineKind } from '../define-kind.ts';
import type * as t from '../generated/types.ts';
import { type KindDefinition } from '../kind.ts';
import { customResourceDefinitions } from '../resource.ts';

/**
 * Can be listed, so that clients which look for custom kinds before they call a kind unknown find that there are none.
 * None can be made: an API that takes a definition and then does not serve its kind would be worse than one that refuses.
 */
export const customResourceDefinition: KindDefinition<t.CustomResourceDefinition> = defineKind(
  customResourceDefinitions,
  {
    shortNames: ['crd', 'crds'],
    categories: ['api-extensions'],
    verbs: ['get', 'list', 'watch'],
    columns: [nameColumn, column('Created At', 'date', 'When it was made.')],
    row: (of) => [of.metadata.name, of.metadata.creationTimestamp],
  },
);
