import { ageOf } from './duration.ts';
import type { Cell, Column } from './kind.ts';
import type { KubeObject } from './object.ts';

type Type = Column['type'];

/** A column that is always printed. */
export function column(name: string, type: Type, description: string): Column {
  return Object.freeze({ name, type, format: '', description, priority: 0 });
}

/** A column that only `-o wide` prints. */
export function wideColumn(name: string, type: Type, description: string): Column {
  return Object.freeze({ name, type, format: '', description, priority: 1 });
}

export const nameColumn: Column = Object.freeze({
  name: 'Name',
  type: 'string',
  format: 'name',
  description: 'Name of the object, unique among its kind in its namespace.',
  priority: 0,
});

export const ageColumn: Column = column('Age', 'string', 'Time since the server stored the object for the first time.');

export const containersColumn: Column = wideColumn('Containers', 'string', 'Names of the containers in the template.');
export const imagesColumn: Column = wideColumn('Images', 'string', 'Images of the containers in the template.');
export const selectorColumn: Column = wideColumn(
  'Selector',
  'string',
  'Selector of the Pods that belong to the object.',
);

/** For kinds with nothing to tell: here alone the time is shown as it is, not as an age. */
export const defaultColumns: readonly Column[] = [
  nameColumn,
  column('Created At', 'date', 'When the server stored the object for the first time.'),
];

export function defaultRow(object: KubeObject): readonly Cell[] {
  return [object.metadata.name, object.metadata.creationTimestamp];
}

export function age(object: KubeObject, now: number): string {
  return ageOf(object.metadata.creationTimestamp, now);
}

/** `value`, or the stand-in that tables show for nothing. */
export function orNone(value: string | undefined, none: string = '<none>'): string {
  return value === undefined || value === '' ? none : value;
}

/** At most `max` items; how many more there are stands behind them. */
export function clippedList(items: readonly string[], max: number, total: number = items.length): string {
  const shown = items.slice(0, max).join(',');
  return total > max ? `${shown} + ${total - max} more...` : shown;
}

interface Template {
  readonly spec?:
    | { readonly containers?: readonly { readonly name: string; readonly image?: string | undefined }[] }
    | undefined;
}

/** Cells of `containersColumn` and `imagesColumn`. */
export function containerCells(template: Template | undefined): readonly [string, string] {
  const containers = template?.spec?.containers ?? [];
  return [
    containers.map((container) => container.name).join(','),
    containers.map((container) => container.image ?? '').join(','),
  ];
}

/** `a=b,c=d` in the order of keys, `<none>` when empty. */
export function labelsCell(labels: Readonly<Record<string, string>> | undefined): string {
  const keys = Object.keys(labels ?? {}).sort();
  return orNone(keys.map((key) => `${key}=${labels?.[key] ?? ''}`).join(','));
}
