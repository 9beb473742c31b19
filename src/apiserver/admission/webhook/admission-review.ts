import { isObject, type JsonObject } from '#api/patch/json-value.ts';
import type { KindDefinition } from '#api/kind.ts';
import { failure } from '#api/status.ts';
import type { Status } from '#api/object.ts';
import { apiVersionOf } from '#api/resource.ts';
import { shownAs, type Write } from './write.ts';

const GROUP = 'admission.k8s.io';

const OPTIONS = { CREATE: 'CreateOptions', UPDATE: 'UpdateOptions', DELETE: 'DeleteOptions', CONNECT: '' } as const;

/** An AdmissionRequest without its objects; `kind` is how the webhook wants to see them. */
export function requestFacts(write: Write, kind: KindDefinition, uid: string): JsonObject {
  const { request, operation, subresource, name, namespace, dryRun } = write;
  const { username, uid: userUid, groups, extra } = request.user;
  const sub = (field: string): JsonObject => (subresource === '' ? {} : { [field]: subresource });
  return {
    uid,
    kind: gvk(kind),
    resource: gvr(kind),
    ...sub('subResource'),
    requestKind: gvk(write.kind),
    requestResource: gvr(write.kind),
    ...sub('requestSubResource'),
    ...(name === '' ? {} : { name }),
    ...(namespace === undefined ? {} : { namespace }),
    operation,
    userInfo: {
      username,
      ...(userUid === undefined ? {} : { uid: userUid }),
      groups,
      ...(extra === undefined ? {} : { extra }),
    },
    dryRun,
    options: optionsOf(write),
  };
}

/** What is sent. */
export function admissionReview(write: Write, kind: KindDefinition, uid: string, version: string): JsonObject {
  return {
    kind: 'AdmissionReview',
    apiVersion: `${GROUP}/${version}`,
    request: {
      ...requestFacts(write, kind, uid),
      object: shownAs(write.object, write.kind, kind) ?? null,
      oldObject: shownAs(write.old, write.kind, kind) ?? null,
    },
  };
}

function gvk({ resource: { group, version, kind } }: KindDefinition): JsonObject {
  return { group, version, kind };
}

function gvr({ resource: { group, version, plural } }: KindDefinition): JsonObject {
  return { group, version, resource: plural };
}

function optionsOf({ operation, request: { query }, dryRun }: Write): JsonObject | null {
  const kind = OPTIONS[operation];
  if (kind === '') return null;
  const { fieldManager, fieldValidation } = query;
  return {
    kind,
    apiVersion: 'meta.k8s.io/v1',
    ...(dryRun ? { dryRun: ['All'] } : {}),
    ...(fieldManager === undefined || kind === 'DeleteOptions' ? {} : { fieldManager }),
    ...(fieldValidation === undefined || kind === 'DeleteOptions' ? {} : { fieldValidation }),
  };
}

/** What a webhook said. */
export interface Verdict {
  readonly allowed: boolean;
  readonly warnings: readonly string[];
  /** Operations of a JSON patch. */
  readonly patch: readonly unknown[];
  readonly result: Partial<Status>;
}

/** Reads an answer. @throws {Error} whose text says why it is none. */
export function readVerdict(answer: unknown, asked: { uid: string; version: string; mutating: boolean }): Verdict {
  const { apiVersion = '', kind = '', response } = isObject(answer) ? answer : {};
  if (!isObject(response)) throw invalidAnswer('webhook response was absent');
  if (asked.version === 'v1') {
    if (response['uid'] !== asked.uid) {
      const got = JSON.stringify(response['uid'] ?? '');
      throw invalidAnswer(`expected response.uid=${JSON.stringify(asked.uid)}, got ${got}`);
    }
    if (apiVersion !== `${GROUP}/v1` || kind !== 'AdmissionReview') {
      const got = `${String(apiVersion)}, Kind=${String(kind)}`;
      throw invalidAnswer(`expected webhook response of ${GROUP}/v1, Kind=AdmissionReview, got ${got}`);
    }
    checkPatchFields(response, asked.mutating);
  }
  const { allowed, warnings, status } = response;
  const result = isObject(status) ? status : {};
  return {
    allowed: allowed === true,
    warnings: Array.isArray(warnings) ? warnings.filter((text) => typeof text === 'string') : [],
    patch: asked.mutating ? readPatch(response) : [],
    result,
  };
}

function checkPatchFields({ patch = '', patchType }: JsonObject, mutating: boolean): void {
  if (!mutating) {
    if (patch !== '') throw invalidAnswer('validating webhook may not return response.patch');
    if (patchType !== undefined) throw invalidAnswer('validating webhook may not return response.patchType');
    return;
  }
  if (patch !== '' && patchType === undefined) {
    throw invalidAnswer('webhook returned response.patch but not response.patchType');
  }
  if (patch === '' && patchType !== undefined) {
    throw invalidAnswer('webhook returned response.patchType but not response.patch');
  }
}

function invalidAnswer(why: string): Error {
  return new Error(`received invalid webhook response: ${why}`);
}

function readPatch({ patch, patchType = 'JSONPatch' }: JsonObject): readonly unknown[] {
  if (typeof patch !== 'string' || patch === '') return [];
  if (patchType !== 'JSONPatch') throw new Error(`unsupported patch type ${JSON.stringify(patchType)}`);
  try {
    const value: unknown = JSON.parse(Buffer.from(patch, 'base64').toString());
    if (Array.isArray(value)) return value;
  } catch {
    // Said below.
  }
  throw new Error('received undecodable patch in webhook response: it is not a JSON patch');
}

/** The refusal of a webhook, in its own words as far as it has any. */
export function denial(webhook: string, { code = 0, message = '', reason = '', details }: Partial<Status>): Status {
  const denied = `admission webhook ${JSON.stringify(webhook)} denied the request`;
  const why = message === '' ? reason : message;
  return failure(Math.max(code, 400), why === '' ? `${denied} without explanation` : `${denied}: ${why}`, {
    ...(reason === '' ? {} : { reason }),
    ...(details === undefined ? {} : { details }),
  });
}

/** The versions of a review that are spoken here, in the order of the webhook's wishes. */
export function reviewVersion(wanted: readonly string[]): string {
  return wanted.find((version) => version === 'v1' || version === 'v1beta1') ?? 'v1';
}

export function isExempt({ resource }: KindDefinition): boolean {
  return apiVersionOf(resource).startsWith('admissionregistration.k8s.io/');
}
