import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

/** One field of a Go struct that is part of its encodings. */
export interface GoField {
  /** As written: `*int32`, `[]metav1.Condition`, `map[string][]byte`. */
  readonly type: string;
  /** Empty where the members of the field's struct appear as members of this one. */
  readonly jsonName: string;
  readonly omitEmpty: boolean;
  readonly omitZero: boolean;
  /** Field number; undefined for what is in JSON alone. */
  readonly number: number | undefined;
  /** Name in the message. */
  readonly protoName: string;
}

/** A field as `generated.proto` declares it. */
export interface ProtoField {
  readonly number: number;
  /** `int32`, `.k8s.io.api.core.v1.Probe`, `map<string, bytes>`. */
  readonly type: string;
}

export interface GoPackage {
  /** Import path. */
  readonly path: string;
  /** The fields of each struct, with the imports (name -> path) of the file that declares it. */
  readonly structs: ReadonlyMap<string, GoStruct>;
  /** `type PodPhase string` and the like. */
  readonly aliases: ReadonlyMap<string, string>;
  /** By message and field name. */
  readonly messages: ReadonlyMap<string, ReadonlyMap<string, ProtoField>>;
}

export interface GoStruct {
  readonly fields: readonly GoField[];
  readonly imports: ReadonlyMap<string, string>;
}

function parseField(line: string): GoField | undefined {
  const match = /^\t(?:\w+\s+)?(\*?[\w.[\]*]+)\s+`([^`]*)`/.exec(line);
  if (match === null) return undefined;
  const [, type = '', tags = ''] = match;
  const [jsonName = '', ...json] = (/json:"([^"]*)"/.exec(tags)?.[1] ?? '').split(',');
  if (jsonName === '-') return undefined;
  const [, number, ...rest] = (/protobuf:"([^"]*)"/.exec(tags)?.[1] ?? '').split(',');
  return {
    type,
    jsonName,
    omitEmpty: json.includes('omitempty'),
    omitZero: json.includes('omitzero'),
    number: number === undefined ? undefined : Number(number),
    protoName: rest.find((part) => part.startsWith('name='))?.slice(5) ?? '',
  };
}

function readImports(source: string): Map<string, string> {
  const imports = new Map<string, string>();
  for (const [, name, path = ''] of source.matchAll(/^(?:import)?\s+(?:(\w+)\s+)?"([^"\n]+)"$/gm)) {
    imports.set(name ?? path.slice(path.lastIndexOf('/') + 1), path);
  }
  return imports;
}

function readMessages(source: string): Map<string, Map<string, ProtoField>> {
  const messages = new Map<string, Map<string, ProtoField>>();
  for (const [, name = '', body = ''] of source.matchAll(/^message (\w+) \{\n([\s\S]*?)^\}/gm)) {
    const fields = new Map<string, ProtoField>();
    for (const [, type = '', field = '', number] of body.matchAll(/^ {2}(?:\w+ )?(\S.*) (\w+) = (\d+);$/gm)) {
      fields.set(field, { number: Number(number), type });
    }
    messages.set(name, fields);
  }
  return messages;
}

/** Reads the type declarations of a package, and its messages, from `dir`. */
export function readPackage(path: string, dir: string): GoPackage {
  const structs = new Map<string, GoStruct>();
  const aliases = new Map<string, string>();
  for (const file of readdirSync(dir)) {
    if (!file.endsWith('.go') || /_test\.go$|^zz_|\.pb\.go$/.test(file)) continue;
    const source = readFileSync(join(dir, file), 'utf8');
    const imports = readImports(source);
    for (const [, name = '', body = ''] of source.matchAll(/^type (\w+) struct ?\{(?:\}|\n([\s\S]*?)^\})/gm)) {
      const fields = body.split('\n').map(parseField);
      structs.set(name, { fields: fields.filter((field) => field !== undefined), imports });
    }
    for (const [, name = '', of = ''] of source.matchAll(/^type (\w+) ([\w.[\]*]+)$/gm)) aliases.set(name, of);
  }
  const messages = readMessages(readFileSync(join(dir, 'generated.proto'), 'utf8'));
  return { path, structs, aliases, messages };
}
