import { assign, isObject, jsonEqual, type JsonObject, jsonTypeName, valueAt } from './json-value.ts';
import { badPatch, PatchError, patchDoesNotApply } from './patch-error.ts';

/** More operations than this are refused with 413. */
const MAX_OPERATIONS = 10_000;

/** Bytes that `copy` operations may add; each could double the document. */
const MAX_COPIED = 3 * 1024 * 1024;

const OPERATION_FIELDS = new Set(['op', 'path', 'from', 'value']);

type Container = JsonObject | unknown[];

interface Location {
  readonly container: Container;
  readonly key: string;
}

/**
 * Applies a JSON patch (RFC 6902) and returns the new document; `document` and `patch` stay as they are, and parts that
 * no operation touches are shared. Like Kubernetes' own, it takes negative list indices (-1 is the last item), and
 * `replace` of an absent key adds it. Throws `PatchError`.
 */
export function applyJsonPatch(document: unknown, patch: unknown): unknown {
  const operations = readOperations(patch);
  const editor = new Editor(document);
  for (const operation of operations) applyOperation(editor, operation);
  return editor.root;
}

/** The fields of operations that RFC 6902 does not have, as the strict decoder words them. */
export function unknownPatchFields(patch: unknown): string[] {
  if (!Array.isArray(patch)) return [];
  return patch.flatMap((operation: unknown, index) =>
    isObject(operation)
      ? Object.keys(operation)
          .filter((key) => !OPERATION_FIELDS.has(key))
          .map((key) => `json patch unknown field "[${index}].${key}"`)
      : [],
  );
}

function readOperations(patch: unknown): readonly JsonObject[] {
  if (patch === null) return [];
  if (!Array.isArray(patch)) {
    throw badPatch(
      `error decoding patch: json: cannot unmarshal ${jsonTypeName(patch)} into Go value of type []handlers.jsonPatchOp`,
    );
  }
  if (patch.length > MAX_OPERATIONS) {
    throw new PatchError(
      413,
      'RequestEntityTooLarge',
      `Request entity too large: The allowed maximum operations in a JSON patch is ${MAX_OPERATIONS}, got ${patch.length}`,
    );
  }
  return patch.map((operation: unknown) => {
    if (operation === null) return {};
    if (!isObject(operation)) {
      throw badPatch(
        `error decoding patch: json: cannot unmarshal ${jsonTypeName(operation)} into Go value of type handlers.jsonPatchOp`,
      );
    }
    for (const field of ['op', 'path', 'from']) {
      const value = valueAt(operation, field);
      if (value === undefined || value === null || typeof value === 'string') continue;
      throw badPatch(
        `error decoding patch: json: cannot unmarshal ${jsonTypeName(value)} into Go struct field jsonPatchOp.${field} of type string`,
      );
    }
    return operation;
  });
}

function applyOperation(editor: Editor, operation: JsonObject): void {
  const op = valueAt(operation, 'op');
  const kind = typeof op === 'string' ? op : 'unknown';
  const value = valueAt(operation, 'value') ?? null;
  switch (kind) {
    case 'add':
      editor.add(pointer(operation, 'path', kind), value, kind);
      return;
    case 'remove':
      editor.remove(pointer(operation, 'path', kind), kind);
      return;
    case 'replace':
      editor.replace(pointer(operation, 'path', kind), value);
      return;
    case 'move': {
      const from = pointer(operation, 'from', kind);
      const moved = editor.read(from, kind);
      editor.remove(from, kind);
      editor.add(pointer(operation, 'path', kind), moved ?? null, kind);
      return;
    }
    case 'copy': {
      const copied = editor.copy(pointer(operation, 'from', kind));
      editor.add(pointer(operation, 'path', kind), copied, kind);
      return;
    }
    case 'test': {
      const path = pointer(operation, 'path', kind);
      const found = path === '' ? editor.root : (editor.read(path, kind) ?? null);
      if (!jsonEqual(found, value)) throw patchDoesNotApply(`testing value ${path} failed: test failed`);
      return;
    }
    default:
      throw patchDoesNotApply(`Unexpected kind: ${kind}`);
  }
}

function pointer(operation: JsonObject, field: 'path' | 'from', kind: string): string {
  const text = valueAt(operation, field);
  if (typeof text === 'string') return text;
  throw patchDoesNotApply(`${kind} operation failed to decode ${field}: missing value`);
}

/** The document under edit. A container is copied the first time an operation goes through it, and never again. */
class Editor {
  root: unknown;
  readonly #owned = new WeakSet<Container>();
  #copied = 0;

  constructor(document: unknown) {
    this.root = document;
  }

  read(path: string, kind: string): unknown {
    const { container, key } = this.#locate(path, kind);
    if (!Array.isArray(container)) return valueAt(container, key);
    return container[listIndex(container, key, path, kind)];
  }

  /** A deep copy, since a later operation may go through a container that both places would share. */
  copy(path: string): unknown {
    const value = this.read(path, 'copy') ?? null;
    this.#copied += JSON.stringify(value).length;
    if (this.#copied > MAX_COPIED) {
      throw patchDoesNotApply(
        `Unable to complete the copy, the accumulated size increase of copy is ${this.#copied}, exceeding the limit ${MAX_COPIED}`,
      );
    }
    return structuredClone(value);
  }

  add(path: string, value: unknown, kind: string): void {
    const { container, key } = this.#locate(path, kind);
    if (!Array.isArray(container)) assign(container, key, value);
    else if (key === '-') container.push(value);
    else container.splice(listIndex(container, key, path, kind, 1), 0, value);
  }

  remove(path: string, kind: string): void {
    const { container, key } = this.#locate(path, kind);
    if (Array.isArray(container)) {
      container.splice(listIndex(container, key, path, kind), 1);
      return;
    }
    if (!Object.hasOwn(container, key)) {
      throw patchDoesNotApply(
        `error in ${kind} for path: '${path}': Unable to remove nonexistent key: ${key}: missing value`,
      );
    }
    delete container[key];
  }

  replace(path: string, value: unknown): void {
    if (path === '') {
      if (!isObject(value) && !Array.isArray(value)) {
        throw patchDoesNotApply('replace operation value must be object or array');
      }
      this.root = value;
      return;
    }
    const { container, key } = this.#locate(path, 'replace');
    if (Array.isArray(container)) container[listIndex(container, key, path, 'replace')] = value;
    else assign(container, key, value);
  }

  #locate(path: string, kind: string): Location {
    const segments = path.split('/').map((part) => part.replaceAll('~1', '/').replaceAll('~0', '~'));
    const missing = (): PatchError =>
      patchDoesNotApply(`${kind} operation does not apply: doc is missing path: "${path}": missing value`);
    const key = segments.pop();
    if (segments.length === 0 || key === undefined) throw missing();
    let container = this.#own(this.root);
    if (container === undefined) throw missing();
    this.root = container;
    for (const segment of segments.slice(1)) {
      let child: Container | undefined;
      if (Array.isArray(container)) {
        const index = listIndex(container, segment, path, kind);
        child = this.#own(container[index]);
        container[index] = child ?? container[index];
      } else {
        child = this.#own(valueAt(container, segment));
        if (child !== undefined) assign(container, segment, child);
      }
      if (child === undefined) throw missing();
      container = child;
    }
    return { container, key };
  }

  #own(value: unknown): Container | undefined {
    if (!isObject(value) && !Array.isArray(value)) return undefined;
    if (this.#owned.has(value)) return value;
    const copy: Container = Array.isArray(value) ? [...(value as unknown[])] : { ...value };
    this.#owned.add(copy);
    return copy;
  }
}

/** `extra` is 1 where an index just past the end is allowed. */
function listIndex(list: readonly unknown[], key: string, path: string, kind: string, extra: number = 0): number {
  if (!/^[+-]?\d+$/.test(key)) {
    throw patchDoesNotApply(`error in ${kind} for path: '${path}': value was not a proper array index: '${key}'`);
  }
  const size = list.length + extra;
  const index = Number(key);
  const resolved = index < 0 ? index + size : index;
  if (resolved >= 0 && resolved < size) return resolved;
  throw patchDoesNotApply(
    `error in ${kind} for path: '${path}': Unable to access invalid index: ${index}: invalid index referenced`,
  );
}
