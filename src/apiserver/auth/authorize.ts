import type { PolicyRule, RoleRef } from '#api/generated/types.ts';
import type { UserInfo } from '#api/request.ts';
import { forbiddenStatus } from '#api/status.ts';
import { StatusError } from '../status-error.ts';

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

/** What somebody may do in a namespace and cluster-wide; `problems` say why it may be more. */
export interface HeldRules {
  readonly rules: readonly PolicyRule[];
  readonly problems: readonly string[];
}

export interface Authorizer {
  authorize(user: UserInfo, attributes: Attributes): Decision;
  rulesFor(user: UserInfo, namespace: string): HeldRules;
  /** Rules of the role that a binding in `namespace` names; undefined where there is no such role. */
  rulesOfRole(ref: Pick<RoleRef, 'kind' | 'name'>, namespace: string): readonly PolicyRule[] | undefined;
}

export const denied: Decision = Object.freeze({ allowed: false, reason: '' });

/** The group that no policy can lock out. */
export function isMaster(user: UserInfo): boolean {
  return user.groups.includes('system:masters');
}

/** @throws {StatusError} the 403 of a user who may not. */
export function requireAllowed(authorizer: Authorizer, user: UserInfo, attributes: Attributes): void {
  const decision = authorizer.authorize(user, attributes);
  if (decision.allowed) return;
  const why = refusal(user, attributes, decision.reason);
  const subject =
    attributes.kind === 'path' ? { group: '', plural: '' } : { group: attributes.group, plural: attributes.resource };
  throw new StatusError(forbiddenStatus(subject, attributes.kind === 'path' ? '' : (attributes.name ?? ''), why));
}

/** Why a request is refused, as the message of a 403 goes on behind `is forbidden: `. */
export function refusal(user: UserInfo, attributes: Attributes, reason: string = ''): string {
  const more = reason === '' ? '' : `: ${reason}`;
  const who = `User ${JSON.stringify(user.username)} cannot ${attributes.verb}`;
  if (attributes.kind === 'path') return `${who} path ${JSON.stringify(attributes.path)}${more}`;
  const { resource, subresource, group, namespace } = attributes;
  const what = subresource === undefined ? resource : `${resource}/${subresource}`;
  const where = namespace === undefined ? 'at the cluster scope' : `in the namespace ${JSON.stringify(namespace)}`;
  return `${who} resource ${JSON.stringify(what)} in API group ${JSON.stringify(group)} ${where}${more}`;
}
