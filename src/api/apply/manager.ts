import type { ManagedFieldsEntry } from '../object.ts';

/** Who writes, and how: what an entry of `metadata.managedFields` is known by. */
export interface Writer {
  readonly manager: string;
  readonly operation: 'Apply' | 'Update';
  readonly apiVersion: string;
  readonly subresource?: string | undefined;
  /** When, as the entry shows it. */
  readonly time: string;
}

/** An applier is the same whatever version of the kind it speaks. */
export function isEntryOf(entry: ManagedFieldsEntry, writer: Omit<Writer, 'time'>): boolean {
  return (
    entry.manager === writer.manager &&
    entry.operation === writer.operation &&
    (entry.subresource ?? '') === (writer.subresource ?? '') &&
    (writer.operation === 'Apply' || entry.apiVersion === writer.apiVersion)
  );
}

/** `"kubectl" with subresource "scale" using apps/v1`, as conflicts name a manager. */
export function managerText(entry: ManagedFieldsEntry): string {
  const subresource = entry.subresource ?? '';
  const name = `${JSON.stringify(entry.manager ?? '')}${subresource === '' ? '' : ` with subresource ${JSON.stringify(subresource)}`}`;
  return entry.operation === 'Update' ? `${name} using ${entry.apiVersion ?? ''}` : name;
}

const MAX_NAME_BYTES = 128;

/** What a client that names no manager is called: the program in front of its User-Agent. */
export function managerOfUserAgent(userAgent: string): string {
  const program = (userAgent.split('/')[0] ?? '').replaceAll(/[^\p{L}\p{M}\p{N}\p{P}\p{S} ]/gu, '');
  return Buffer.from(program)
    .subarray(0, MAX_NAME_BYTES)
    .toString()
    .replace(/\uFFFD+$/, '');
}
