import { defaultColumns, defaultRow } from './columns.ts';
import { deepEqual } from './equal.ts';
import type { FieldError } from './field-error.ts';
import type { Cell, Column, Deletion, KindDefinition, Subresources, Verb } from './kind.ts';
import { validateFinalizerOwners, validateMeta, validateMetaUpdate } from './meta-validation.ts';
import { type NameCheck, subdomainName } from './names.ts';
import type { KubeObject, ObjectMeta } from './object.ts';
import type { Resource } from './resource.ts';
import { modelSchema } from './schema.ts';

const ALL_VERBS: readonly Verb[] = Object.freeze([
  'create',
  'delete',
  'deletecollection',
  'get',
  'list',
  'patch',
  'update',
  'watch',
]);

/** What one kind differs in from the rest. Everything may be left out. */
export interface KindOptions<T extends KubeObject> {
  /** Default: the kind's name. */
  readonly model?: string;
  readonly singular?: string;
  readonly shortNames?: readonly string[];
  readonly categories?: readonly string[];
  readonly verbs?: readonly Verb[];
  readonly subresources?: Subresources;
  readonly deletion?: Deletion<T>;
  readonly defaultPropagation?: 'Background' | 'Orphan';
  readonly createOnUpdate?: boolean;
  readonly unconditionalUpdate?: boolean;
  readonly checkName?: NameCheck;
  /** `metadata.generation` counts changes of the spec, or of what this function picks. */
  readonly generation?: true | ((object: T) => unknown);
  /** What a new object's status is, where the kind has the subresource; `keep` trusts the client. Default: empty. */
  readonly initialStatus?: 'keep' | ((object: T) => unknown);
  readonly columns?: readonly Column[];
  readonly row?: (object: T, now: number) => readonly Cell[];
  /** Getters of selectable fields beside those of the metadata. */
  readonly fields?: Readonly<Record<string, (object: T) => string>>;
  readonly defaults?: (object: T) => T;
  /** After the engine's own preparation. */
  readonly prepareCreate?: (object: T) => T;
  readonly prepareUpdate?: (object: T, old: T) => T;
  /** What a valid object holds, on create (`old` absent) and on update. */
  readonly validate?: (object: T, old?: T) => readonly FieldError[];
  /** Finalizers may be words without a domain. @default false */
  readonly anyFinalizers?: boolean;
  /** What an update must not change. */
  readonly validateChange?: (object: T, old: T) => readonly FieldError[];
  readonly validateStatus?: (object: T, old: T) => readonly FieldError[];
  /** Said with each answer about the kind. */
  readonly deprecation?: string;
  readonly warnings?: (object: T, old?: T) => readonly string[];
  readonly statusWarnings?: (object: T) => readonly string[];
}

/** Members that the engine handles without knowing the kind. */
interface Shape {
  readonly spec?: unknown;
  readonly status?: unknown;
}

function shape(object: KubeObject): Shape {
  return object as KubeObject & Shape;
}

function withMeta<T extends KubeObject>(object: T, meta: Partial<ObjectMeta>): T {
  return { ...object, metadata: { ...object.metadata, ...meta } };
}

function withoutStatus<T extends KubeObject>(object: T): T {
  const { status: _, ...rest } = object as T & Shape;
  return rest as unknown as T;
}

/** A client need not send back what only the server may set; what it leaves out is taken from the stored object. */
function keepSystemMeta<T extends KubeObject>(object: T, old: T): T {
  const meta = object.metadata;
  return withMeta(object, {
    uid: meta.uid ?? old.metadata.uid,
    creationTimestamp: meta.creationTimestamp ?? old.metadata.creationTimestamp,
    generation: old.metadata.generation,
    deletionTimestamp: meta.deletionTimestamp ?? old.metadata.deletionTimestamp,
    deletionGracePeriodSeconds: meta.deletionGracePeriodSeconds ?? old.metadata.deletionGracePeriodSeconds,
  });
}

function createPreparer<T extends KubeObject>(options: KindOptions<T>): (object: T) => T {
  const { initialStatus, subresources, generation } = options;
  return (object) => {
    let next = object;
    if (subresources?.status === true && initialStatus !== 'keep') {
      next = { ...withoutStatus(next), status: initialStatus === undefined ? {} : initialStatus(object) };
    }
    next = withMeta(next, { generation: generation === undefined ? undefined : 1 });
    return options.prepareCreate?.(next) ?? next;
  };
}

function updatePreparer<T extends KubeObject>(options: KindOptions<T>): (object: T, old: T) => T {
  const { generation, subresources } = options;
  const counted = typeof generation === 'function' ? generation : (object: T) => shape(object).spec;
  return (object, old) => {
    let next = keepSystemMeta(object, old);
    if (subresources?.status === true) next = { ...next, status: shape(old).status };
    next = options.prepareUpdate?.(next, old) ?? next;
    if (generation === undefined || deepEqual(counted(next), counted(old))) return next;
    return withMeta(next, { generation: (old.metadata.generation ?? 0) + 1 });
  };
}

function prepareStatusUpdate<T extends KubeObject>(object: T, old: T): T {
  return { ...old, metadata: keepSystemMeta(object, old).metadata, status: shape(object).status ?? {} };
}

/** `spec` and `metadata` are there from here on, whatever the client sent. */
function fillerOf<T extends KubeObject>(model: string): (object: T) => T {
  const hasSpec = modelSchema(model)?.fields.has('spec') === true;
  return (object) => {
    const given: Partial<KubeObject> & Shape = object;
    const spec = hasSpec && given.spec === undefined ? { spec: {} } : {};
    return { ...object, ...spec, metadata: given.metadata ?? {} };
  };
}

type Getters<T> = Readonly<Record<string, (object: T) => string>>;

function fieldsOf<T extends KubeObject>(resource: Resource<T>, fields: Getters<T> | undefined): Getters<T> {
  return {
    'metadata.name': (object) => object.metadata.name,
    ...(resource.namespaced ? { 'metadata.namespace': (object: T) => object.metadata.namespace ?? '' } : {}),
    ...fields,
  };
}

type Names = 'singular' | 'listKind' | 'shortNames' | 'categories' | 'model';

function namesOf<T extends KubeObject>(kind: string, options: KindOptions<T>): Pick<KindDefinition<T>, Names> {
  return {
    singular: options.singular ?? kind.toLowerCase(),
    listKind: `${kind}List`,
    shortNames: options.shortNames ?? [],
    categories: options.categories ?? [],
    model: options.model ?? kind,
  };
}

type Strategy =
  | 'verbs'
  | 'subresources'
  | 'deletion'
  | 'defaultPropagation'
  | 'createOnUpdate'
  | 'unconditionalUpdate'
  | 'columns';

function strategyOf<T extends KubeObject>(options: KindOptions<T>): Pick<KindDefinition<T>, Strategy> {
  return {
    verbs: options.verbs ?? ALL_VERBS,
    subresources: options.subresources ?? {},
    deletion: options.deletion ?? { kind: 'immediate' },
    defaultPropagation: options.defaultPropagation ?? 'Background',
    createOnUpdate: options.createOnUpdate ?? false,
    unconditionalUpdate: options.unconditionalUpdate ?? true,
    columns: options.columns ?? defaultColumns,
  };
}

type Validation = 'validateCreate' | 'validateUpdate' | 'validateStatusUpdate';

function validationOf<T extends KubeObject>(
  resource: Resource<T>,
  options: KindOptions<T>,
): Pick<KindDefinition<T>, Validation> {
  const checkName = options.checkName ?? subdomainName;
  const validate = options.validate ?? (() => []);
  const validateFinalizers = ({ metadata }: T): FieldError[] =>
    options.anyFinalizers === true ? [] : validateFinalizerOwners(metadata);
  return {
    validateCreate: (object) => [
      ...validateMeta(object.metadata, resource.namespaced, checkName),
      ...validateFinalizers(object),
      ...validate(object),
    ],
    validateUpdate: (object, old) => [
      ...validateMetaUpdate(object.metadata, old.metadata),
      ...validateFinalizers(object),
      ...validate(object, old),
      ...(options.validateChange?.(object, old) ?? []),
    ],
    validateStatusUpdate: (object, old) => [
      ...validateMetaUpdate(object.metadata, old.metadata),
      ...(options.validateStatus?.(object, old) ?? []),
    ],
  };
}

/** Makes a whole definition out of what differs. */
export function defineKind<T extends KubeObject>(
  resource: Resource<T>,
  options: KindOptions<T> = {},
): KindDefinition<T> {
  const names = namesOf(resource.kind, options);
  const fields = fieldsOf(resource, options.fields);
  const filled = fillerOf<T>(names.model);
  return Object.freeze<KindDefinition<T>>({
    resource,
    ...names,
    ...strategyOf(options),
    ...validationOf(resource, options),
    fields,
    defaults: (object) => options.defaults?.(filled(object)) ?? filled(object),
    prepareCreate: createPreparer(options),
    prepareUpdate: updatePreparer(options),
    prepareStatusUpdate,
    deprecation: options.deprecation,
    warnings: options.warnings ?? (() => []),
    statusWarnings: options.statusWarnings ?? (() => []),
    row: options.row ?? defaultRow,
    selectableFields: (object) => Object.fromEntries(Object.entries(fields).map(([name, get]) => [name, get(object)])),
  });
}

/**
 * The definition without the type of its objects. It only ever sees objects of its own kind, which the registry
 * guarantees and the type cannot say.
 */
export function eraseKind<T extends KubeObject>(kind: KindDefinition<T>): KindDefinition {
  return kind as unknown as KindDefinition;
}
