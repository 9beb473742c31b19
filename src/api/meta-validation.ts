import { duplicate, type FieldError, forbidden, invalid, required, tooLong } from './field-error.ts';
import type { LooseMeta } from './kind.ts';
import { checkDns1123Label, checkLabelValue, checkQualifiedName, type NameCheck } from './names.ts';
import type { OwnerReference } from './object.ts';

/** 256 KiB over all keys and values. */
const MAX_ANNOTATION_BYTES = 256 * 1024;

export function validateLabels(labels: Readonly<Record<string, string>> | undefined, field: string): FieldError[] {
  const errors: FieldError[] = [];
  for (const key in labels) {
    for (const text of checkQualifiedName(key)) errors.push(invalid(field, key, text));
    const value = labels[key] ?? '';
    for (const text of checkLabelValue(value)) errors.push(invalid(field, value, text));
  }
  return errors;
}

export function validateAnnotations(
  annotations: Readonly<Record<string, string>> | undefined,
  field: string,
): FieldError[] {
  const errors: FieldError[] = [];
  let bytes = 0;
  for (const key in annotations) {
    for (const text of checkQualifiedName(key.toLowerCase())) errors.push(invalid(field, key, text));
    bytes += Buffer.byteLength(key) + Buffer.byteLength(annotations[key] ?? '');
  }
  if (bytes > MAX_ANNOTATION_BYTES) errors.push(tooLong(field, MAX_ANNOTATION_BYTES));
  return errors;
}

function validateOwner(owner: Partial<OwnerReference>, field: string): FieldError[] {
  const errors: FieldError[] = [];
  const version = owner.apiVersion?.split('/').at(-1) ?? '';
  if (version === '') errors.push(invalid(`${field}.apiVersion`, owner.apiVersion ?? '', 'version must not be empty'));
  for (const key of ['kind', 'name', 'uid'] as const) {
    if ((owner[key] ?? '') === '') errors.push(invalid(`${field}.${key}`, '', 'must not be empty'));
  }
  if (owner.apiVersion === 'v1' && owner.kind === 'Event') {
    errors.push(invalid(field, owner, '/v1, Kind=Event is disallowed from being an owner'));
  }
  return errors;
}

function validateOwners(owners: readonly OwnerReference[], field: string): FieldError[] {
  const errors = owners.flatMap((owner) => validateOwner(owner, field));
  const [first, second] = owners.filter((owner) => owner.controller === true);
  if (first !== undefined && second !== undefined) {
    const found = `Found "true" in references for ${first.name} and ${second.name}`;
    errors.push(invalid(field, owners, `Only one reference can have Controller set to true. ${found}`));
  }
  return errors;
}

function validateFinalizers(finalizers: readonly string[], field: string): FieldError[] {
  const errors = finalizers.flatMap((name) => checkQualifiedName(name).map((text) => invalid(field, name, text)));
  if (finalizers.includes('orphan') && finalizers.includes('foregroundDeletion')) {
    errors.push(invalid(field, finalizers, 'finalizer orphan and foregroundDeletion cannot be both set'));
  }
  return errors;
}

const STANDARD_FINALIZERS = ['kubernetes', 'orphan', 'foregroundDeletion'];

/** Kubernetes' own kinds take no finalizer that does not say whose it is; custom ones do. */
export function validateFinalizerOwners({ finalizers = [] }: LooseMeta): FieldError[] {
  return finalizers.flatMap((name, i) =>
    name.includes('/') || STANDARD_FINALIZERS.includes(name)
      ? []
      : [
          invalid(
            `metadata.finalizers[${i}]`,
            name,
            'name is neither a standard finalizer name nor is it fully qualified',
          ),
        ],
  );
}

function validateNamespace(namespace: string, namespaced: boolean, field: string): FieldError[] {
  if (!namespaced) return namespace === '' ? [] : [forbidden(field, 'not allowed on this type')];
  if (namespace === '') return [required(field)];
  return checkDns1123Label(namespace).map((text) => invalid(field, namespace, text));
}

/** What every object's metadata has to hold on create. */
export function validateMeta(meta: LooseMeta, namespaced: boolean, checkName: NameCheck): FieldError[] {
  const { name = '', namespace = '', generateName = '' } = meta;
  const errors: FieldError[] = [];
  if (generateName !== '') {
    for (const text of checkName(generateName, true)) errors.push(invalid('metadata.generateName', generateName, text));
  }
  if (name === '') errors.push(required('metadata.name', 'name or generateName is required'));
  else for (const text of checkName(name, false)) errors.push(invalid('metadata.name', name, text));
  errors.push(...validateNamespace(namespace, namespaced, 'metadata.namespace'));
  errors.push(...validateLoads(meta));
  errors.push(...validateFinalizers(meta.finalizers ?? [], 'metadata.finalizers'));
  return errors;
}

function validateLoads(meta: LooseMeta): FieldError[] {
  return [
    ...validateLabels(meta.labels, 'metadata.labels'),
    ...validateAnnotations(meta.annotations, 'metadata.annotations'),
    ...validateOwners(meta.ownerReferences ?? [], 'metadata.ownerReferences'),
  ];
}

const IMMUTABLE = [
  'name',
  'namespace',
  'uid',
  'creationTimestamp',
  'deletionTimestamp',
  'deletionGracePeriodSeconds',
] as const;

/** What an update must not change. */
export function validateMetaUpdate(meta: LooseMeta, old: LooseMeta): FieldError[] {
  const errors: FieldError[] = [];
  if (old.deletionTimestamp !== undefined) {
    const added = (meta.finalizers ?? []).filter((name) => !(old.finalizers ?? []).includes(name));
    if (added.length > 0) errors.push(forbidden('metadata.finalizers', newFinalizersText(added)));
  }
  if ((meta.generation ?? 0) < (old.generation ?? 0)) {
    errors.push(invalid('metadata.generation', meta.generation ?? 0, 'must not be decremented'));
  }
  for (const key of IMMUTABLE) {
    if (meta[key] !== old[key]) errors.push(invalid(`metadata.${key}`, meta[key] ?? '', 'field is immutable'));
  }
  errors.push(...validateLoads(meta));
  return errors;
}

function newFinalizersText(added: readonly string[]): string {
  const list = added
    .toSorted()
    .map((name) => JSON.stringify(name))
    .join(', ');
  return `no new finalizers can be added if the object is being deleted, found new finalizers []string{${list}}`;
}

/** The first item of each pair of equal keys is fine, the later ones are reported. */
export function validateUnique<T>(
  items: readonly T[],
  at: (index: number) => string,
  keyOf: (item: T) => unknown,
): FieldError[] {
  const seen = new Set<unknown>();
  const errors: FieldError[] = [];
  items.forEach((item, index) => {
    const key = keyOf(item);
    if (key === undefined || key === '') return;
    if (seen.has(key)) errors.push(duplicate(at(index), key));
    seen.add(key);
  });
  return errors;
}
