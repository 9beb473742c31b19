import type { Status, StatusCause } from './object.ts';

/** What an error is about: group and plural. */
export interface StatusSubject {
  readonly group: string;
  readonly plural: string;
}

/** `deployments.apps`, `services`. */
export function qualifiedResource(of: StatusSubject): string {
  return of.group === '' ? of.plural : `${of.plural}.${of.group}`;
}

export interface StatusOptions {
  readonly reason?: string | undefined;
  readonly details?: Status['details'];
}

/** Any error answer; the functions below are the ones with a known text. */
export function failure(code: number, message: string, options: StatusOptions = {}): Status {
  return {
    apiVersion: 'v1',
    kind: 'Status',
    metadata: {},
    status: 'Failure',
    message,
    ...(options.reason === undefined ? {} : { reason: options.reason }),
    ...(options.details === undefined ? {} : { details: options.details }),
    code,
  };
}

/** The answer of a DELETE that left nothing to show: the one that says no code of its own. */
export function success(details?: Status['details']): Omit<Status, 'code'> {
  const body = { apiVersion: 'v1', kind: 'Status', metadata: {}, status: 'Success' } as const;
  return details === undefined ? body : { ...body, details };
}

function detailsOf(of: StatusSubject, name: string): Status['details'] {
  return {
    ...(name === '' ? {} : { name }),
    ...(of.group === '' ? {} : { group: of.group }),
    ...(of.plural === '' ? {} : { kind: of.plural }),
  };
}

function about(
  code: number,
  reason: string,
  of: StatusSubject,
  name: string,
  message: string,
  causes?: readonly StatusCause[],
): Status {
  const details = detailsOf(of, name);
  return failure(code, message, { reason, details: causes === undefined ? details : { ...details, causes } });
}

export function notFoundStatus(of: StatusSubject, name: string): Status {
  return about(404, 'NotFound', of, name, `${qualifiedResource(of)} ${JSON.stringify(name)} not found`);
}

export function alreadyExists(of: StatusSubject, name: string): Status {
  return about(409, 'AlreadyExists', of, name, `${qualifiedResource(of)} ${JSON.stringify(name)} already exists`);
}

/** A generated name met an object of that name, several times over. */
export function generateNameConflict(of: StatusSubject, name: string): Status {
  const text = `${qualifiedResource(of)} ${JSON.stringify(name)} already exists, the server was not able to generate a unique name for the object`;
  const details = { ...detailsOf(of, name), retryAfterSeconds: 1 };
  return failure(409, text, { reason: 'AlreadyExists', details });
}

export function conflict(of: StatusSubject, name: string, why: string): Status {
  const text = `Operation cannot be fulfilled on ${qualifiedResource(of)} ${JSON.stringify(name)}: ${why}`;
  return about(409, 'Conflict', of, name, text);
}

/** The resourceVersion of the request is not the object's. */
export function modifiedConflict(of: StatusSubject, name: string): Status {
  return conflict(
    of,
    name,
    'the object has been modified; please apply your changes to the latest version and try again',
  );
}

/** Where Kubernetes stores what it does not store below the plural of its name. */
const STORED_AT: Readonly<Record<string, string>> = {
  nodes: 'minions',
  services: 'services/specs',
  endpoints: 'services/endpoints',
  replicationcontrollers: 'controllers',
  ingresses: 'ingress',
};

/** The key of the object is told as well, and there is no reason to tell of another than Kubernetes does. */
export function uidConflict(
  of: StatusSubject,
  name: string,
  { key, wanted, found }: { readonly key: string; readonly wanted: string; readonly found: string },
): Status {
  const at = `/registry/${STORED_AT[of.plural] ?? of.plural}/${key}`;
  const why = `Precondition failed: UID in precondition: ${wanted}, UID in object meta: ${found}`;
  return conflict(
    of,
    name,
    `StorageError: invalid object, Code: 4, Key: ${at}, ResourceVersion: 0, AdditionalErrorMsg: ${why}`,
  );
}

export function badRequest(message: string): Status {
  return failure(400, message, { reason: 'BadRequest' });
}

/** The body could not be read as the kind that the path asks for. */
export function undecodable(
  sent: { readonly version: string; readonly kind: string },
  wanted: string,
  why: string,
): Status {
  return badRequest(`${sent.kind} in version ${JSON.stringify(sent.version)} cannot be handled as a ${wanted}: ${why}`);
}

export function unauthorized(): Status {
  return failure(401, 'Unauthorized', { reason: 'Unauthorized' });
}

export function forbiddenStatus(of: StatusSubject, name: string, why: string): Status {
  const subject = of.plural === '' ? '' : qualifiedResource(of);
  const named = name === '' ? `${subject} is forbidden` : `${subject} ${JSON.stringify(name)} is forbidden`;
  const text = subject === '' ? `forbidden: ${why}` : `${named}: ${why}`;
  return about(403, 'Forbidden', of, name, text);
}

/** The path leads somewhere, but not with this method. */
export function methodNotAllowed(): Status {
  const text = 'the server does not allow this method on the requested resource';
  return failure(405, text, { reason: 'MethodNotAllowed', details: {} });
}

/** A path that leads nowhere. */
export function noSuchPath(): Status {
  return failure(404, 'the server could not find the requested resource', { reason: 'NotFound', details: {} });
}

export function notAcceptable(mediaTypes: readonly string[]): Status {
  const text = `only the following media types are accepted: ${mediaTypes.join(', ')}`;
  return failure(406, text, { reason: 'NotAcceptable' });
}

export function unsupportedMediaType(mediaTypes: readonly string[]): Status {
  const text = `the body of the request was in an unknown format - accepted media types include: ${mediaTypes.join(', ')}`;
  return failure(415, text, { reason: 'UnsupportedMediaType' });
}

export function entityTooLarge(limitBytes: number): Status {
  return failure(413, `Request entity too large: limit is ${limitBytes}`, { reason: 'RequestEntityTooLarge' });
}

/** A watch from a revision that history no longer holds. */
export function expired(message: string): Status {
  return failure(410, message, { reason: 'Expired' });
}

export function expiredVersion(requested: number | string, oldest: number | string): Status {
  return expired(`too old resource version: ${requested} (${oldest})`);
}

export function tooManyRequests(message: string, retryAfterSeconds: number): Status {
  return failure(429, message, { reason: 'TooManyRequests', details: { retryAfterSeconds } });
}

export function internalError(why: string): Status {
  const details = { causes: [{ message: why }] };
  return failure(500, `Internal error occurred: ${why}`, { reason: 'InternalError', details });
}

export function serviceUnavailable(message: string): Status {
  return failure(503, message, { reason: 'ServiceUnavailable' });
}

export function timeout(message: string, retryAfterSeconds: number = 0): Status {
  const details = retryAfterSeconds === 0 ? {} : { retryAfterSeconds };
  return failure(504, `Timeout: ${message}`, { reason: 'Timeout', details });
}

/** A read not older than a revision that has yet to come. */
export function tooLargeResourceVersion(requested: number | string, current: number | string): Status {
  const details = {
    causes: [{ reason: 'ResourceVersionTooLarge', message: 'Too large resource version' }],
    retryAfterSeconds: 1,
  };
  const text = `Timeout: Too large resource version: ${requested}, current: ${current}`;
  return failure(504, text, { reason: 'Timeout', details });
}
