import type { MergeType } from './apply/merge-type.ts';
import type { FieldCheck, FieldValidation } from './field-check.ts';
import type { FieldError } from './field-error.ts';
import type { KubeObject, ObjectMeta } from './object.ts';
import type { Resource } from './resource.ts';

export type Verb = 'create' | 'delete' | 'deletecollection' | 'get' | 'list' | 'patch' | 'update' | 'watch';

/** One cell of a printed row. */
export type Cell = string | number | boolean;

/** One column of the Table that `kubectl get` prints. */
export interface Column {
  readonly name: string;
  readonly type: 'string' | 'integer' | 'number' | 'boolean' | 'date';
  /** `name` marks the column that names the object. */
  readonly format: string;
  readonly description: string;
  /** 0 is always printed, 1 only with `-o wide`. */
  readonly priority: number;
}

/** Where `scale` finds its numbers, as paths below the object. */
export interface ScalePaths {
  readonly specReplicas: string;
  readonly statusReplicas: string;
  /** Path of the LabelSelector (or of its text form) whose text the Scale's status shows. */
  readonly selector?: string | undefined;
}

/** A subresource beyond `status` and `scale`, for discovery; the server brings the handler. */
export interface SubresourceDefinition {
  readonly name: string;
  readonly kind: string;
  /** Where the kind is not of the resource's own group and version. */
  readonly group?: string | undefined;
  readonly version?: string | undefined;
  readonly verbs: readonly string[];
}

export interface Subresources {
  readonly status?: true | undefined;
  readonly scale?: ScalePaths | undefined;
  readonly others?: readonly SubresourceDefinition[] | undefined;
}

/**
 * What DELETE does to an object without finalizers.
 * `immediate`: it is gone. `graceful`: it is marked and stays until it is deleted again with a grace of 0.
 * `finalize`: it is marked and stays until `spec.finalizers` is empty (Namespace).
 */
export type Deletion<T> =
  /** `finalizer` is put on the object so that something is done before. */
  | { readonly kind: 'immediate'; readonly finalizer?: string | undefined }
  /** `requested` is DeleteOptions.gracePeriodSeconds; 0 as the answer removes the object at once. */
  | { readonly kind: 'graceful'; readonly graceSeconds: (object: T, requested: number | undefined) => number }
  | { readonly kind: 'finalize' };

/** What a kind of a CustomResourceDefinition has instead of a model in FIELDS. */
export interface CustomKind {
  /** OpenAPI v3. */
  readonly schema: Readonly<Record<string, unknown>>;
  readonly mergeType: MergeType;
  readonly check: (value: unknown, mode: FieldValidation, duplicates?: readonly string[]) => FieldCheck;
}

/**
 * A kind as data: all that the one engine of the API server has to know to serve it. Every function is pure and returns
 * a new object.
 *
 * The order of a create: decode and `checkFields(model)`, `defaults`; the engine gives the object its namespace, uid,
 * creationTimestamp and, from a generateName, its name; `prepareCreate`; admission; allocation; `validateCreate`.
 * Of an update: decode, `defaults`, `prepareUpdate`, admission, allocation, `validateUpdate`. `defaults` may run again after
 * admission or a patch: it is idempotent.
 */
export interface KindDefinition<T extends KubeObject = KubeObject> {
  readonly resource: Resource<T>;
  readonly singular: string;
  readonly listKind: string;
  readonly shortNames: readonly string[];
  readonly categories: readonly string[];
  /** Name of the schema in FIELDS; empty for a custom kind. */
  readonly model: string;
  readonly custom?: CustomKind | undefined;
  /** The resource under which objects are stored, where it is another: two versions or groups of one kind share theirs. */
  readonly storedAs?: Resource | undefined;
  /** A stored object as this kind shows it, and back, where the stored form is another. */
  readonly present?: ((stored: KubeObject) => KubeObject) | undefined;
  readonly persist?: ((shown: KubeObject) => KubeObject) | undefined;
  readonly verbs: readonly Verb[];
  readonly subresources: Subresources;
  readonly deletion: Deletion<T>;
  /** What becomes of dependents when the client does not say. */
  readonly defaultPropagation: 'Background' | 'Orphan';
  /** PUT of an object that does not exist creates it. */
  readonly createOnUpdate: boolean;
  /** PUT without a resourceVersion overwrites what is there. */
  readonly unconditionalUpdate: boolean;
  readonly columns: readonly Column[];
  /** Getters of the fields that a field selector may name; `metadata.name` and `metadata.namespace` are among them. */
  readonly fields: Readonly<Record<string, (object: T) => string>>;

  defaults(object: T): T;
  prepareCreate(object: T): T;
  prepareUpdate(object: T, old: T): T;
  prepareStatusUpdate(object: T, old: T): T;
  validateCreate(object: T): readonly FieldError[];
  validateUpdate(object: T, old: T): readonly FieldError[];
  validateStatusUpdate(object: T, old: T): readonly FieldError[];
  /** Text for a `Warning` header of each answer. */
  readonly deprecation?: string | undefined;
  /** Texts for `Warning` headers on create (`old` absent) and update. */
  warnings(object: T, old?: T): readonly string[];
  /** The same, where the status alone is written. */
  statusWarnings(object: T): readonly string[];
  /** Cells in the order of `columns`; `now` in milliseconds. */
  row(object: T, now: number): readonly Cell[];
  selectableFields(object: T): Readonly<Record<string, string>>;
}

/** Metadata of an object that the engine has not completed yet. */
export type LooseMeta = Partial<ObjectMeta>;
