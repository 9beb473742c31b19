import * as types from '../cel/cel-type.ts';
import type { CelType } from '../cel/cel-type.ts';
import { CelList, CelObject, CelTimestamp, type CelValue, TextMap } from '../cel/cel-value.ts';
import { celOfJson } from '../cel/json-value.ts';
import { parseTimestamp } from '../cel/time-text.ts';
import { isObject } from '../patch/json-value.ts';

/** What policies know of a request and of the namespace that it is in. Models plugin/cel/compile.go of v1.34. */

function object(name: string, fields: Readonly<Record<string, CelType>>): CelType {
  return types.objectType(`kubernetes.${name}`, new Map(Object.entries(fields)));
}

const TEXT = types.STRING;
const TEXTS = types.listOf(TEXT);
const TEXT_MAP = types.mapOf(TEXT, TEXT);

const KIND = object('GroupVersionKind', { group: TEXT, version: TEXT, kind: TEXT });
const RESOURCE = object('GroupVersionResource', { group: TEXT, version: TEXT, resource: TEXT });

export const REQUEST_TYPE: CelType = object('AdmissionRequest', {
  kind: KIND,
  resource: RESOURCE,
  subResource: TEXT,
  requestKind: KIND,
  requestResource: RESOURCE,
  requestSubResource: TEXT,
  name: TEXT,
  namespace: TEXT,
  operation: TEXT,
  userInfo: object('UserInfo', { username: TEXT, uid: TEXT, groups: TEXTS, extra: types.mapOf(TEXT, TEXTS) }),
  dryRun: types.BOOL,
  options: types.DYN,
});

export const NAMESPACE_TYPE: CelType = object('Namespace', {
  metadata: object('NamespaceMetadata', {
    name: TEXT,
    generateName: TEXT,
    namespace: TEXT,
    labels: TEXT_MAP,
    annotations: TEXT_MAP,
    UID: TEXT,
    creationTimestamp: types.TIMESTAMP,
    deletionGracePeriodSeconds: types.INT,
    deletionTimestamp: types.TIMESTAMP,
    generation: types.INT,
    resourceVersion: TEXT,
    finalizers: TEXTS,
  }),
  spec: object('NamespaceSpec', { finalizers: TEXTS }),
  status: object('NamespaceStatus', {
    conditions: types.listOf(
      object('NamespaceCondition', {
        status: TEXT,
        type: TEXT,
        lastTransitionTime: types.TIMESTAMP,
        message: TEXT,
        reason: TEXT,
      }),
    ),
    phase: TEXT,
  }),
});

/** A JSON value as one of a type. Parts of it are looked at when an expression does. */
export function celOfTyped(raw: unknown, type: CelType): CelValue {
  if (raw === null || raw === undefined) return null;
  const [first = types.DYN, second = types.DYN] = type.params;
  if (type.kind === 'list' && Array.isArray(raw)) {
    return new CelList(raw.length, (index) => celOfTyped(raw[index], first));
  }
  if (type.kind === 'timestamp' && typeof raw === 'string') return timestampOf(raw);
  if (!isObject(raw)) return celOfJson(raw);
  if (type.kind === 'map') return new TextMap(raw, (member) => celOfTyped(member, second));
  if (type.kind !== 'object') return celOfJson(raw);
  return new CelObject(type, raw, (name) => {
    const member = type.fields?.get(name);
    return member === undefined || !Object.hasOwn(raw, name) ? undefined : celOfTyped(raw[name], member);
  });
}

function timestampOf(text: string): CelValue {
  const nanos = parseTimestamp(text);
  return nanos === undefined ? text : new CelTimestamp(nanos);
}
