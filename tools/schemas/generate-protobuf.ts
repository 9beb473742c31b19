/**
 * Writes `src/api/generated/protobuf.ts`: the field numbers of the protocol buffer form of every model in
 * `src/api/generated/fields.ts`, and which of its fields the JSON form leaves out when they are empty.
 *
 *   node generate-protobuf.ts       in this folder, with Node 24 or newer and Go; after generate.ts
 *
 * The numbers are in the `generated.proto` files of four Go modules. What is left out, which fields are pointers, and which
 * messages are members of their own in protobuf but not in JSON, is only in the tags of the Go structs beside them. Both are
 * read, and must agree. The modules are fetched by `go mod download` in a folder outside the tree.
 */
import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { FIELDS } from '../../src/api/generated/fields.ts';
import { modelSchema, SCALARS } from '../../src/api/schema.ts';
import { type GoField, type GoPackage, readPackage } from './go-structs.ts';
import { modelName, roots } from './roots.ts';

const VERSION = 'v0.34.2';
const META = 'k8s.io/apimachinery/pkg/apis/meta/v1';
const API_EXTENSIONS = 'k8s.io/apiextensions-apiserver/pkg/apis/apiextensions/v1';
const API_REGISTRATION = 'k8s.io/kube-aggregator/pkg/apis/apiregistration/v1';

/** Kinds of request bodies that are no resources. */
const META_KINDS: readonly (readonly [string, string])[] = [
  ['v1', 'Status'],
  ['meta.k8s.io/v1', 'DeleteOptions'],
  ['meta.k8s.io/v1', 'PartialObjectMetadata'],
];

/** Types whose JSON is of another shape than their message; `src/api/protobuf/special-types.ts` knows these names. */
const SPECIAL: Readonly<Record<string, string>> = {
  [`${META}.FieldsV1`]: 'rawJson',
  'k8s.io/apimachinery/pkg/runtime.RawExtension': 'rawJson',
  [`${API_EXTENSIONS}.JSON`]: 'rawJson',
  [`${API_EXTENSIONS}.JSONSchemaPropsOrBool`]: 'schemaOrBool',
  [`${API_EXTENSIONS}.JSONSchemaPropsOrArray`]: 'schemaOrArray',
  [`${API_EXTENSIONS}.JSONSchemaPropsOrStringArray`]: 'schemaOrStrings',
  [`${META}.Time`]: 'time',
  [`${META}.MicroTime`]: 'microTime',
  'k8s.io/apimachinery/pkg/api/resource.Quantity': 'quantity',
  'k8s.io/apimachinery/pkg/util/intstr.IntOrString': 'intOrString',
};

const GO_SCALARS: Readonly<Record<string, string>> = {
  string: 'string',
  bool: 'boolean',
  int32: 'int32',
  int64: 'int64',
  float64: 'double',
};

/** Types that are the same in messages under these names; all others are messages or maps. */
const PROTO_SCALARS: Readonly<Record<string, string>> = {
  string: 'string',
  bytes: 'bytes',
  boolean: 'bool',
  int32: 'int32',
  int64: 'int64',
  double: 'double',
};

const MODULES = [
  'k8s.io/api',
  'k8s.io/apimachinery',
  'k8s.io/apiextensions-apiserver',
  'k8s.io/kube-aggregator',
] as const;

const moduleDirs = new Map<string, string>();

function downloadModules(): void {
  const cwd = mkdtempSync(join(tmpdir(), 'schemas-'));
  try {
    for (const name of MODULES) {
      const text = execFileSync('go', ['mod', 'download', '-json', `${name}@${VERSION}`], { cwd, encoding: 'utf8' });
      moduleDirs.set(name, (JSON.parse(text) as { Dir: string }).Dir);
    }
  } finally {
    rmSync(cwd, { recursive: true });
  }
}

const packages = new Map<string, GoPackage>();

function goPackage(path: string): GoPackage {
  const known = packages.get(path);
  if (known !== undefined) return known;
  const module = [...moduleDirs].find(([name]) => path.startsWith(`${name}/`));
  if (module === undefined) throw new Error(`Cannot find the package "${path}": it is in none of the modules`);
  const read = readPackage(path, module[1] + path.slice(module[0].length));
  packages.set(path, read);
  return read;
}

/** `networking.k8s.io/v1` -> `k8s.io/api/networking/v1`. */
function packageOf(apiVersion: string): string {
  if (apiVersion === 'v1') return 'k8s.io/api/core/v1';
  if (apiVersion.startsWith('apiextensions.k8s.io/')) return API_EXTENSIONS;
  if (apiVersion.startsWith('apiregistration.k8s.io/')) return API_REGISTRATION;
  return `k8s.io/api/${apiVersion.replace(/^([a-z]+)[^/]*/, '$1')}`;
}

interface Place {
  readonly package: string;
  readonly imports: ReadonlyMap<string, string>;
}

interface Resolved {
  /** In the form of FIELDS, but models by their Go name. */
  readonly type: string;
  /** `package.Name` of the innermost type where that is a model. */
  readonly struct: { readonly package: string; readonly name: string } | undefined;
  readonly pointer: boolean;
}

/** A Go type in the form of FIELDS. */
function resolve(type: string, at: Place): Resolved {
  if (type === '[]byte') return { type: 'bytes', struct: undefined, pointer: false };
  if (type.startsWith('*')) return { ...resolve(type.slice(1), at), pointer: true };
  const prefix = /^(\[\]|map\[[\w.]+\])/.exec(type)?.[0];
  if (prefix !== undefined) {
    const item = resolve(type.slice(prefix.length), at);
    return { ...item, type: (prefix === '[]' ? '[]' : '{}') + item.type, pointer: false };
  }
  const scalar = GO_SCALARS[type];
  if (scalar !== undefined) return { type: scalar, struct: undefined, pointer: false };
  const dot = type.indexOf('.');
  const path = dot < 0 ? at.package : (at.imports.get(type.slice(0, dot)) ?? '');
  return resolveNamed(path, type.slice(dot + 1));
}

function resolveNamed(path: string, name: string): Resolved {
  const special = SPECIAL[`${path}.${name}`];
  if (special !== undefined) return { type: special, struct: undefined, pointer: false };
  if (path === 'k8s.io/apimachinery/pkg/types') return { type: 'string', struct: undefined, pointer: false };
  const { structs, aliases } = goPackage(path);
  if (structs.has(name)) return { type: name, struct: { package: path, name }, pointer: false };
  const alias = aliases.get(name);
  if (alias === undefined) throw new Error(`Cannot find the type "${name}" in ${path}: it is not declared there`);
  return resolve(alias, { package: path, imports: importsWith(path) });
}

/** Imports of all files of a package: aliases are few, and no two files name different packages alike. */
function importsWith(path: string): ReadonlyMap<string, string> {
  return new Map([...goPackage(path).structs.values()].flatMap(({ imports }) => [...imports]));
}

const lines = new Map<string, string>();
const origins = new Map<string, string>();
const missing: string[] = [];
const extra: string[] = [];

const itemOf = (type: string): string => type.replace(/^(\[\]|\{\})+/, '');

/**
 * `?` kept when it is in the message, `~` dropped when it is empty, `!` there even when it is not in the message, `*` then
 * null. A struct is never empty to Go's encoder, and a list or map is in the message only when it is not.
 */
function presence(field: GoField, { type, struct, pointer }: Resolved): string {
  const isStruct = struct !== undefined || ['time', 'microTime', 'quantity', 'intOrString', 'rawJson'].includes(type);
  if (pointer) return field.omitEmpty ? '?' : '*';
  if (field.omitZero) return '~';
  if (type.startsWith('[]') || type.startsWith('{}')) return field.omitEmpty ? '?' : '!';
  return field.omitEmpty && !isStruct ? '~' : '!';
}

/** The type where FIELDS does not tell it. */
function typeNote(model: string, field: GoField, goType: string): string {
  const known = modelSchema(model)?.fields.get(field.jsonName)?.type;
  if (known === undefined || itemOf(known) === 'any') return `:${goType}`;
  const isModel = !SCALARS.has(itemOf(known));
  const same = isModel ? known.replace(itemOf(known), '') === goType.replace(itemOf(goType), '') : known === goType;
  // FIELDS has no word for quantities: what `src/api/schema.ts` does not know to be one is a string there.
  if (!same && itemOf(goType) === 'quantity') return `:${goType}`;
  if (!same) throw new Error(`Cannot match ${model}.${field.jsonName}: it is ${goType} in Go and ${known} in FIELDS`);
  return '';
}

function checkMessage(field: GoField, type: string, struct: string, { path, messages }: GoPackage): void {
  // The one field whose tag names none is called after its type.
  const name = field.protoName || field.type.charAt(0).toLowerCase() + field.type.slice(1);
  const declared = messages.get(struct)?.get(name);
  const of = PROTO_SCALARS[type.replace('[]', '')];
  const same = of === undefined ? /^(\.|map<|[A-Z])/.test(declared?.type ?? '') : declared?.type === of;
  if (same && declared?.number === field.number) return;
  const shown = declared === undefined ? 'absent' : `${declared.type} ${declared.number}`;
  throw new Error(`Cannot trust ${path}.${struct}.${name}: ${type} ${field.number} in Go, and ${shown} in the message`);
}

/** The fields of a struct as words of its model's line, `path` leading to messages whose members JSON has one level up. */
function words(model: string, at: { readonly package: string; readonly name: string }, path: string): string[] {
  const inPackage = goPackage(at.package);
  const struct = inPackage.structs.get(at.name);
  if (struct === undefined) throw new Error(`Cannot find the struct "${at.name}" in ${at.package}`);
  return struct.fields.flatMap((field) => {
    // TypeMeta is in JSON alone: the envelope tells the kind.
    if (field.number === undefined) return [];
    const number = `${path}${field.number}`;
    const found = resolve(field.type, { package: at.package, imports: struct.imports });
    checkMessage(field, found.type, at.name, inPackage);
    if (field.jsonName === '') {
      if (found.struct === undefined) throw new Error(`Cannot inline ${field.type}: it is no struct`);
      return words(model, found.struct, `${number}.`);
    }
    return word(model, field, found, number);
  });
}

function word(model: string, field: GoField, found: Resolved, number: string): string[] {
  const known = modelSchema(model);
  const declared = known?.fields.get(field.jsonName);
  if (known !== undefined && declared === undefined) {
    extra.push(`${model}.${field.jsonName}`);
    return [];
  }
  const note = typeNote(model, field, found.type);
  if (found.struct !== undefined) {
    addModel(declared === undefined || note !== '' ? found.struct.name : itemOf(declared.type), found.struct);
  }
  return [`${field.jsonName}${presence(field, found)}${number}${note}`];
}

function addModel(model: string, at: { readonly package: string; readonly name: string }): void {
  const origin = `${at.package}.${at.name}`;
  const known = origins.get(model);
  if (known === origin) return;
  origins.set(model, known ?? origin);
  const line = words(model, at, '').join(' ');
  if ((lines.get(model) ?? line) !== line) throw new Error(`Cannot name both ${known} and ${origin} "${model}"`);
  lines.set(model, line);
  for (const [name] of modelSchema(model)?.fields ?? []) {
    if (!line.split(' ').some((text) => text.split(/[?~!*]/)[0] === name)) missing.push(`${model}.${name}`);
  }
}

downloadModules();
const kinds = new Map<string, string[]>();
const addKind = (apiVersion: string, kind: string, model: string): void => {
  kinds.set(apiVersion, [...(kinds.get(apiVersion) ?? []), kind === model ? kind : `${kind}=${model}`]);
};
for (const [root, apiVersion] of Object.entries(roots)) {
  const kind = root.replace(/^.*?V\d+((alpha|beta)\d+)?/, '');
  const model = modelName(root);
  addModel(model, { package: packageOf(apiVersion), name: kind });
  addKind(apiVersion, kind, model);
}
for (const [apiVersion, kind] of META_KINDS) {
  addModel(kind, { package: META, name: kind });
  addKind(apiVersion, kind, kind);
}

let text = `// Generated by tools/schemas/generate-protobuf.ts. Do not edit.

/** The models of the kinds that come in protobuf, by apiVersion: \`Kind\`, or \`Kind=Model\` where the names differ. */
export const PROTOBUF_KINDS: Readonly<Record<string, string>> = {\n`;
const key = (name: string): string => (/^\w+$/.test(name) ? name : `'${name}'`);
for (const [apiVersion, names] of kinds) text += `  ${key(apiVersion)}: '${names.join(' ')}',\n`;
text += `};

/**
 * Every model as one line of fields: the name in JSON, \`?\` when it is kept as it came, \`~\` when it is dropped when empty,
 * \`!\` when it is always there or \`*\` when it is null where it did not come, then the field number. \`2.1\` is field 1 of the
 * message in field 2, whose members JSON has one level up. The type follows behind \`:\` where FIELDS does not tell it.
 */
export const PROTOBUF_FIELDS: Readonly<Record<string, string>> = {\n`;
for (const [model, line] of [...lines].sort(([a], [b]) => (a < b ? -1 : 1))) text += `  ${model}: '${line}',\n`;
writeFileSync(new URL('../../src/api/generated/protobuf.ts', import.meta.url), `${text}};\n`);

const unreached = Object.keys(FIELDS).filter((model) => !lines.has(model));
console.log(`${lines.size} models`);
if (unreached.length > 0) console.log(`models without a message: ${unreached.join(', ')}`);
const inlineTypes = missing.filter((name) => !/\.(apiVersion|kind)$/.test(name));
if (inlineTypes.length > 0) console.log(`fields without a number in ${VERSION}: ${inlineTypes.join(', ')}`);
if (extra.length > 0) console.log(`fields that are not in FIELDS: ${extra.join(', ')}`);
