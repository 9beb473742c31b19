import { age, ageColumn, column, nameColumn } from '../columns.ts';
import { defineKind } from '../define-kind.ts';
import type * as t from '../generated/types.ts';
import type { KindDefinition } from '../kind.ts';
import { labelName } from '../names.ts';
import { namespaces } from '../resource.ts';

/** Present as long as the namespace may hold objects; its controller takes it away when it is empty. */
const FINALIZER = 'kubernetes';
const NAME_LABEL = 'kubernetes.io/metadata.name';

function withNameLabel(namespace: t.Namespace): t.Namespace {
  const { name, labels } = namespace.metadata;
  if (name === undefined || name === '' || labels?.[NAME_LABEL] === name) return namespace;
  return { ...namespace, metadata: { ...namespace.metadata, labels: { ...labels, [NAME_LABEL]: name } } };
}

export const namespace: KindDefinition<t.Namespace> = defineKind(namespaces, {
  shortNames: ['ns'],
  checkName: labelName,
  subresources: { status: true, others: [{ name: 'finalize', kind: 'Namespace', verbs: ['update'] }] },
  verbs: ['create', 'delete', 'get', 'list', 'patch', 'update', 'watch'],
  deletion: { kind: 'finalize' },
  initialStatus: () => ({ phase: 'Active' }),
  columns: [nameColumn, column('Status', 'string', 'Active, or Terminating while it is emptied.'), ageColumn],
  row: (namespace, now) => [namespace.metadata.name, namespace.status?.phase ?? '', age(namespace, now)],
  fields: {
    'status.phase': ({ status }) => status?.phase ?? '',
    // An older name of the same field.
    name: ({ metadata }) => metadata.name,
  },
  defaults: withNameLabel,
  prepareCreate: (namespace) => {
    const finalizers = namespace.spec?.finalizers ?? [];
    const all = finalizers.includes(FINALIZER) ? finalizers : [...finalizers, FINALIZER];
    return { ...namespace, spec: { ...namespace.spec, finalizers: all } };
  },
  prepareUpdate: (namespace, old) => ({ ...namespace, spec: { ...namespace.spec, finalizers: old.spec.finalizers } }),
});
