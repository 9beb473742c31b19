import { column, nameColumn } from '../columns.ts';
import { validateCrd, validateCrdChange, validateStoredVersions } from '../custom/crd-validation.ts';
import { defineKind } from '../define-kind.ts';
import type * as t from '../generated/types.ts';
import type { KindDefinition } from '../kind.ts';
import { customResourceDefinitions } from '../resource.ts';

type Crd = t.CustomResourceDefinition;

/** Holds a definition until the objects of its kind are gone. */
export const CLEANUP_FINALIZER = 'customresourcecleanup.apiextensions.k8s.io';

export const customResourceDefinition: KindDefinition<Crd> = defineKind(customResourceDefinitions, {
  anyFinalizers: true,
  shortNames: ['crd', 'crds'],
  categories: ['api-extensions'],
  subresources: { status: true },
  generation: true,
  deletion: { kind: 'immediate', finalizer: CLEANUP_FINALIZER },
  unconditionalUpdate: false,
  columns: [nameColumn, column('Created At', 'date', 'When it was made.')],
  row: (of) => [of.metadata.name, of.metadata.creationTimestamp],
  defaults,
  initialStatus: (crd) => ({
    acceptedNames: { kind: '', plural: '' },
    conditions: [],
    storedVersions: storageVersions(crd),
  }),
  prepareUpdate: (crd, old) => {
    const { status } = old;
    const stored = status?.storedVersions ?? [];
    const added = storageVersions(crd).filter((version) => !stored.includes(version));
    return added.length === 0 ? crd : { ...crd, status: { ...status, storedVersions: [...stored, ...added] } };
  },
  validate: validateCrd,
  validateChange: validateCrdChange,
  validateStatus: validateStoredVersions,
  warnings: conversionWarnings,
});

/** Better said than found out: objects are shown in every version as they are stored. */
function conversionWarnings({ spec }: Crd): readonly string[] {
  if (spec.conversion?.strategy !== 'Webhook') return [];
  return ['spec.conversion: this server calls no webhooks, objects are shown in each version as they are stored'];
}

function storageVersions({ spec }: Crd): string[] {
  return (spec.versions ?? []).filter(({ storage }) => storage).map(({ name }) => name);
}

function defaults(crd: Crd): Crd {
  const { names } = crd.spec;
  if (names === undefined) return crd;
  const kind = names.kind ?? '';
  const filled = {
    ...names,
    singular: names.singular ?? kind.toLowerCase(),
    listKind: names.listKind ?? `${kind}List`,
  };
  const conversion = crd.spec.conversion ?? { strategy: 'None' };
  return { ...crd, spec: { ...crd.spec, conversion, names: filled } };
}
