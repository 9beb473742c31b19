import type { UserInfo } from '#api/request.ts';
import { badRequest } from '#api/status.ts';
import { StatusError } from '../status-error.ts';
import { requireAllowed, type Attributes, type Authorizer } from './authorize.ts';

type Headers = Readonly<Record<string, string | readonly string[] | undefined>>;

const USER = 'impersonate-user';
const GROUP = 'impersonate-group';
const UID = 'impersonate-uid';
const EXTRA = 'impersonate-extra-';
const AUTHENTICATION = 'authentication.k8s.io';
const ACCOUNT = /^system:serviceaccount:([^:]+):([^:]+)$/;

function values(headers: Headers, name: string): readonly string[] {
  const value = headers[name];
  if (value === undefined) return [];
  return typeof value === 'string' ? value.split(', ') : value;
}

/** Who a request is for, when its sender acts as somebody else (`kubectl --as`). */
export function impersonate(user: UserInfo, headers: Headers, authorizer: Authorizer): UserInfo {
  const [username] = values(headers, USER);
  const names = Object.keys(headers).filter((name) => name.startsWith(EXTRA));
  if (username === undefined) {
    if (headers[GROUP] === undefined && headers[UID] === undefined && names.length === 0) return user;
    throw new StatusError(badRequest('requested impersonation without a user name'));
  }
  const [uid] = values(headers, UID);
  const groups = values(headers, GROUP);
  const extra = Object.fromEntries(
    names.map((name) => [decodeURIComponent(name.slice(EXTRA.length)), values(headers, name)]),
  );
  for (const wanted of needed(username, groups, uid, extra)) requireAllowed(authorizer, user, wanted);
  return {
    username,
    ...(uid === undefined ? {} : { uid }),
    groups: [...groups, ...missing(username, groups)],
    ...(names.length === 0 ? {} : { extra }),
  };
}

/** Each thing that is said of somebody else needs the right to say it. */
function* needed(
  username: string,
  groups: readonly string[],
  uid: string | undefined,
  extra: Readonly<Record<string, readonly string[]>>,
): Generator<Attributes, void, undefined> {
  const account = ACCOUNT.exec(username);
  if (account === null) yield right('', 'users', username);
  else yield { ...right('', 'serviceaccounts', account[2] ?? ''), namespace: account[1] };
  for (const group of groups) yield right('', 'groups', group);
  for (const [key, list] of Object.entries(extra)) {
    for (const value of list) yield { ...right(AUTHENTICATION, 'userextras', value), subresource: key };
  }
  if (uid !== undefined) yield right(AUTHENTICATION, 'uids', uid);
}

function right(group: string, resource: string, name: string): Extract<Attributes, { kind: 'resource' }> {
  const where = { subresource: undefined, namespace: undefined };
  return { kind: 'resource', verb: 'impersonate', group, version: 'v1', resource, name, ...where };
}

/** Groups that nobody logs in without. */
function missing(username: string, groups: readonly string[]): readonly string[] {
  const nobody = username === 'system:anonymous' || groups.includes('system:unauthenticated');
  const everybody = nobody ? 'system:unauthenticated' : 'system:authenticated';
  const namespace = ACCOUNT.exec(username)?.[1];
  const implied = namespace === undefined || groups.length > 0 ? [] : accountGroups(namespace);
  return [...implied, ...(groups.includes(everybody) ? [] : [everybody])];
}

function accountGroups(namespace: string): readonly string[] {
  return ['system:serviceaccounts', `system:serviceaccounts:${namespace}`];
}
