import { type UserInfo } from '#api/request.ts';

/** What somebody wants to do, as authorizers see it. */
export type Attributes =
  | {
      readonly kind: 'resource';
      readonly verb: string;
      readonly group: string;
      readonly version: string;
      readonly resource: string;
      readonly subresource: string | undefined;
      readonly namespace: string | undefined;
      readonly name: string | undefined;
    }
  | { readonly kind: 'path'; readonly verb: string; readonly path: string };

export interface Decision {
  readonly allowed: boolean;
  readonly reason: string;
}

/** Without logging in one can see that the server lives and which version it is. */
const PUBLIC_PATHS = /^\/(?:healthz|livez|readyz|version)(?:\/|$)/;

export function isPublicPath(path: string): boolean {
  return PUBLIC_PATHS.test(path);
}

/** The one policy for now: whoever is authenticated may do everything. */
export function authorize(user: UserInfo, attributes: Attributes): Decision {
  if (user.groups.includes('system:authenticated') || user.groups.includes('system:masters')) {
    return { allowed: true, reason: '' };
  }
  const allowed = attributes.kind === 'path' && isPublicPath(attributes.path);
  return { allowed, reason: '' };
}

/** Why a request is refused, as the message of a 403 goes on behind `is forbidden: `. */
export function refusal(user: UserInfo, attributes: Attributes): string {
  const who = `User ${JSON.stringify(user.username)} cannot ${attributes.verb}`;
  if (attributes.kind === 'path') return `${who} path ${JSON.stringify(attributes.path)}`;
  const { resource, subresource, group, namespace } = attributes;
  const what = subresource === undefined ? resource : `${resource}/${subresource}`;
  const where = namespace === undefined ? 'at the cluster scope' : `in the namespace ${JSON.stringify(namespace)}`;
  return `${who} resource ${JSON.stringify(what)} in API group ${JSON.stringify(group)} ${where}`;
}
