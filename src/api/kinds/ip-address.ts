import { formatIp, parseIp } from '#base/ip.ts';
import { column, nameColumn } from '../columns.ts';
import { defineKind } from '../define-kind.ts';
import { type FieldError, required } from '../field-error.ts';
import type * as t from '../generated/types.ts';
import { type KindDefinition } from '../kind.ts';
import { type NameCheck } from '../names.ts';
import { ipAddresses } from '../resource.ts';
import { validateImmutable } from '../validation.ts';

/** The address is the name, so that it can be taken only once. */
const canonicalIpName: NameCheck = (name) => {
  const ip = parseIp(name);
  return ip !== undefined && formatIp(ip) === name ? [] : ['must be a canonical form IP address'];
};

function parentCell(parent: t.ParentReference | undefined): string {
  if (parent === undefined) return '<none>';
  const { group = '', resource, namespace = '', name } = parent;
  const kind = `${resource}${group === '' ? '' : `.${group}`}`.toLowerCase();
  return [kind, namespace, name].filter((part) => part !== '').join('/');
}

function validate({ spec }: t.IPAddress): FieldError[] {
  const { parentRef } = spec;
  if (parentRef === undefined) return [required('spec.parentRef')];
  return [
    ...((parentRef.resource ?? '') === '' ? [required('spec.parentRef.resource')] : []),
    ...((parentRef.name ?? '') === '' ? [required('spec.parentRef.name')] : []),
  ];
}

export const ipAddress: KindDefinition<t.IPAddress> = defineKind(ipAddresses, {
  shortNames: ['ip'],
  checkName: canonicalIpName,
  columns: [nameColumn, column('ParentRef', 'string', 'What the address is allocated to.')],
  row: (address) => [address.metadata.name, parentCell(address.spec.parentRef)],
  fields: {
    'spec.parentRef.group': ({ spec }) => spec.parentRef?.group ?? '',
    'spec.parentRef.resource': ({ spec }) => spec.parentRef?.resource ?? '',
    'spec.parentRef.namespace': ({ spec }) => spec.parentRef?.namespace ?? '',
    'spec.parentRef.name': ({ spec }) => spec.parentRef?.name ?? '',
  },
  validate,
  validateChange: ({ spec }, { spec: old }) => validateImmutable('spec.parentRef', spec.parentRef, old.parentRef),
});
