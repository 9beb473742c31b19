import { createRequire } from 'node:module';
import type * as Yaml from 'yaml';
import { CodedError } from '#base/errors.ts';
import { configFields, idleFields, type FieldType, type RawConfig } from './config-fields.ts';
import { parseDuration } from './duration.ts';

export interface ConfigText {
  readonly raw: RawConfig;
  /** What is in the file and is no field, or stands there twice: kube-proxy names it and goes on, and so do we. */
  readonly warnings: readonly string[];
  /** Fields that are set and change nothing here. */
  readonly idle: readonly string[];
}

const API_VERSION = 'kubeproxy.config.k8s.io/v1alpha1';
const KIND = 'KubeProxyConfiguration';
/** The words of YAML 1.1, which upstream's parser goes by. */
const YES = /^(?:[Yy]|[Yy]es|YES|[Oo]n|ON)$/;
const NO = /^(?:[Nn]|[Nn]o|NO|[Oo]ff|OFF)$/;
const oldBooleans = [YES, NO].map((test) => ({
  tag: 'tag:yaml.org,2002:bool',
  default: true,
  test,
  resolve: (): boolean => test === YES,
}));

/** @throws CodedError `ECONFIG` naming the first field that cannot be read. */
export function parseConfigText(file: string, text: string): ConfigText {
  // Not before there is a file to read: it is 14 MB of memory.
  const { parseDocument } = createRequire(import.meta.url)('yaml') as typeof Yaml;
  const customTags = (tags: Yaml.Tags): Yaml.Tags => [...tags, ...oldBooleans];
  const document = parseDocument(text, { uniqueKeys: false, customTags });
  const [error] = document.errors;
  if (error !== undefined) throw broken(file, error.message.split('\n')[0] ?? '');
  const strict = parseDocument(text).errors.map(({ message }) => message.split('\n')[0] ?? '');
  const value: unknown = document.toJS();
  if (!isRecord(value)) throw broken(file, 'it holds no configuration');
  if (value['apiVersion'] !== API_VERSION || value['kind'] !== KIND) {
    const found = `${String(value['kind'])} of ${String(value['apiVersion'])}`;
    throw broken(file, `it is ${found}, and has to be ${KIND} of ${API_VERSION}`);
  }
  const into: Check = { file, unknown: [], idle: [] };
  check(value, configFields, '', into);
  // Empty, in a file, is not said; in a flag it switches the server off.
  const raw: RawConfig = Object.fromEntries(Object.entries(value).filter(([, one]) => one !== ''));
  const warnings = [...strict, ...into.unknown.map((path) => `unknown field "${path}"`)];
  return { raw: withAddresses(raw), warnings, idle: into.idle };
}

/** In a file, and only there, both servers go by the family of bindAddress: so does the kubelet's probe of an IPv6 cluster. */
function withAddresses(raw: RawConfig): RawConfig {
  if (raw.bindAddress?.includes(':') !== true) return raw;
  const healthz = raw.healthzBindAddress ?? '::';
  const metrics = raw.metricsBindAddress ?? '::1';
  return { ...raw, healthzBindAddress: healthz, metricsBindAddress: metrics };
}

interface Check {
  readonly file: string;
  readonly unknown: string[];
  readonly idle: string[];
}

function check(value: unknown, type: FieldType, path: string, into: Check): void {
  if (idleFields.has(path) && isSet(value)) into.idle.push(path);
  if (value === null || type === 'any') return;
  if (typeof type === 'string') {
    if (!isOf(type, value)) throw broken(into.file, `${path}: Invalid value: ${JSON.stringify(value)}: ${wants[type]}`);
    return;
  }
  if (!isRecord(value)) throw broken(into.file, `${path}: Invalid value: ${JSON.stringify(value)}: must be an object`);
  for (const [name, inner] of Object.entries(value)) {
    const at = path === '' ? name : `${path}.${name}`;
    const known = type[name];
    if (known === undefined) into.unknown.push(at);
    else check(inner, known, at, into);
  }
}

/** Zero, empty and null mean that nothing is said, and tools write them down all the same. */
function isSet(value: unknown): boolean {
  if (value === null || value === '' || value === 0 || value === false) return false;
  if (typeof value === 'string') return parseDuration(value) !== 0;
  return typeof value !== 'object' || Object.values(value).some(isSet);
}

type ScalarType = Exclude<FieldType, object | 'any'>;

const wants: Readonly<Record<ScalarType, string>> = {
  string: 'must be a string',
  boolean: 'must be true or false',
  integer: 'must be a whole number',
  number: 'must be a number',
  duration: 'must be a duration such as "30s" or "1h30m"',
  strings: 'must be a list of strings',
};

function isOf(type: ScalarType, value: unknown): boolean {
  switch (type) {
    case 'string':
      return typeof value === 'string';
    case 'boolean':
      return typeof value === 'boolean';
    case 'integer':
      return Number.isSafeInteger(value);
    case 'number':
      return typeof value === 'number';
    case 'duration':
      return typeof value === 'string' && parseDuration(value) !== undefined;
    case 'strings':
      return Array.isArray(value) && value.every((item) => typeof item === 'string');
  }
}

function isRecord(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function broken(file: string, why: string): CodedError {
  return new CodedError('ECONFIG', `Cannot use the configuration "${file}": ${why}`, {
    hint: 'repair it, or name another with --config',
  });
}
