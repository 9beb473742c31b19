import { column, nameColumn } from '../columns.ts';
import { defineKind } from '../define-kind.ts';
import { deepEqual } from '../equal.ts';
import { type FieldError, invalid, required } from '../field-error.ts';
import type * as t from '../generated/types.ts';
import type { KindDefinition } from '../kind.ts';
import { checkDns1123Subdomain, pathSegmentName } from '../names.ts';
import { ipAddresses } from '../resource.ts';
import { checkStrictIp } from '../service/strict-ip.ts';
import { invalidAll } from '../validation.ts';

function parentCell(parent: t.ParentReference | undefined): string {
  if (parent === undefined) return '<none>';
  const { group = '', resource, namespace = '', name } = parent;
  const kind = `${resource}${group === '' ? '' : `.${group}`}`.toLowerCase();
  return [kind, namespace, name].filter((part) => part !== '').join('/');
}

function validate({ spec }: t.IPAddress): FieldError[] {
  const parent: Partial<t.ParentReference> | undefined = spec.parentRef;
  if (parent === undefined) return [required('spec.parentRef')];
  const { group = '', resource = '', namespace = '', name = '' } = parent;
  const segment = (field: string, value: string, needed: boolean): FieldError[] => {
    if (value === '') return needed ? [required(`spec.parentRef.${field}`)] : [];
    return invalidAll(`spec.parentRef.${field}`, value, pathSegmentName(value, false));
  };
  return [
    ...(group === '' ? [] : invalidAll('spec.parentRef.group', group, checkDns1123Subdomain(group))),
    ...segment('resource', resource, true),
    ...segment('name', name, true),
    ...segment('namespace', namespace, false),
  ];
}

function validateChange({ spec }: t.IPAddress, { spec: old }: t.IPAddress): FieldError[] {
  if (deepEqual(spec.parentRef, old.parentRef)) return [];
  const parent: Partial<t.ParentReference> | undefined = spec.parentRef;
  const { group = '', resource = '', namespace = '', name = '' } = parent ?? {};
  // Shown as upstream's own type has it.
  const shown = { Group: group, Resource: resource, Namespace: namespace, Name: name };
  return [invalid('spec.parentRef', shown, 'field is immutable')];
}

export const ipAddress: KindDefinition<t.IPAddress> = defineKind(ipAddresses, {
  shortNames: ['ip'],
  // The address is the name, in the one form that it has, so that it can be taken only once.
  checkName: checkStrictIp,
  columns: [nameColumn, column('ParentRef', 'string', 'What the address is allocated to.')],
  row: (address) => [address.metadata.name, parentCell(address.spec.parentRef)],
  fields: {
    'spec.parentRef.group': ({ spec }) => spec.parentRef?.group ?? '',
    'spec.parentRef.resource': ({ spec }) => spec.parentRef?.resource ?? '',
    'spec.parentRef.namespace': ({ spec }) => spec.parentRef?.namespace ?? '',
    'spec.parentRef.name': ({ spec }) => spec.parentRef?.name ?? '',
  },
  validate,
  validateChange,
});
