import { type UserInfo } from '#api/request.ts';
import { badRequest } from '#api/status.ts';
import { StatusError } from '../status-error.ts';

type Headers = Readonly<Record<string, string | readonly string[] | undefined>>;

const USER = 'impersonate-user';
const GROUP = 'impersonate-group';
const UID = 'impersonate-uid';
const EXTRA = 'impersonate-extra-';

function values(headers: Headers, name: string): readonly string[] {
  const value = headers[name];
  if (value === undefined) return [];
  return typeof value === 'string' ? value.split(', ') : value;
}

/** Who a request is for, when its sender acts as somebody else (`kubectl --as`). */
export function impersonate(user: UserInfo, headers: Headers): UserInfo {
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
  return {
    username,
    ...(uid === undefined ? {} : { uid }),
    groups: groups.includes('system:unauthenticated') ? groups : [...groups, ...missing(username, groups)],
    ...(names.length === 0 ? {} : { extra }),
  };
}

/** Groups that nobody logs in without. */
function missing(username: string, groups: readonly string[]): readonly string[] {
  const account = /^system:serviceaccount:([^:]+):[^:]+$/.exec(username)?.[1];
  const own = account === undefined ? [] : ['system:serviceaccounts', `system:serviceaccounts:${account}`];
  return [...own, 'system:authenticated'].filter((group) => !groups.includes(group));
}
