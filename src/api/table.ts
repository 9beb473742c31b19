import type { Cell, Column, KindDefinition } from './kind.ts';
import type { KubeObject, ListMeta, ObjectMeta } from './object.ts';

/** What a row carries of its object beside the cells. */
export type IncludeObject = 'None' | 'Metadata' | 'Object';

export interface PartialObjectMetadata {
  readonly kind: 'PartialObjectMetadata';
  readonly apiVersion: string;
  readonly metadata: ObjectMeta;
}

export interface TableRow {
  readonly cells: readonly Cell[];
  readonly object?: KubeObject | PartialObjectMetadata | undefined;
}

export interface Table {
  readonly kind: 'Table';
  readonly apiVersion: string;
  readonly metadata: Partial<ListMeta>;
  /** Null on all but the first event of a watch. */
  readonly columnDefinitions: readonly Column[] | null;
  readonly rows: readonly TableRow[];
}

export interface TableOptions {
  readonly includeObject?: IncludeObject | undefined;
  /** Leaves out the columns: all but the first event of a watch. */
  readonly noHeaders?: boolean | undefined;
  /** The list's own metadata; for a single object its resourceVersion is shown. */
  readonly metadata?: Partial<ListMeta> | undefined;
  /** `v1` or `v1beta1` of meta.k8s.io. */
  readonly version?: string | undefined;
}

/** An object with nothing but its metadata, for clients that watch many kinds for labels and owners only. */
export function partialMetadata(object: KubeObject, version: string = 'v1'): PartialObjectMetadata {
  return { kind: 'PartialObjectMetadata', apiVersion: `meta.k8s.io/${version}`, metadata: object.metadata };
}

function tableRow(kind: KindDefinition, object: KubeObject, now: number, options: TableOptions = {}): TableRow {
  const cells = kind.row(object, now);
  switch (options.includeObject ?? 'Metadata') {
    case 'None':
      return { cells };
    case 'Object':
      return { cells, object };
    case 'Metadata':
      return { cells, object: partialMetadata(object, options.version) };
  }
}

/** Objects of one kind as the table that `kubectl get` prints; `now` in milliseconds. */
export function renderTable(
  kind: KindDefinition,
  objects: readonly KubeObject[],
  now: number,
  options: TableOptions = {},
): Table {
  return {
    kind: 'Table',
    apiVersion: `meta.k8s.io/${options.version ?? 'v1'}`,
    metadata: options.metadata ?? {},
    columnDefinitions: options.noHeaders === true ? null : kind.columns,
    rows: objects.map((object) => tableRow(kind, object, now, options)),
  };
}
