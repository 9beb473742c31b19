import { cidrContains } from '#base/cidr.ts';
import { parseIp } from '#base/ip.ts';
import type { AclAction, AclPolicy, AclRule } from './corefile/server-config.ts';
import { isBelow } from './name.ts';
import { nameOf, parseQuery, type Query } from './query.ts';
import { bareReply } from './reply.ts';
import type { Resolve } from './resolver.ts';

/** The same resolver for those who may ask it. Questions of our own, at the end of an alias, always may. */
export function withAccessControl(resolve: Resolve, rules: readonly AclRule[]): Resolve {
  return (bytes, transport, client, depth = 0) => {
    const query = depth > 0 ? undefined : parseQuery(bytes);
    if (query?.kind !== 'query') return resolve(bytes, transport, client, depth);
    switch (actionFor(rules, query, client ?? '')) {
      case 'allow':
        return resolve(bytes, transport, client, depth);
      case 'block':
        return bareReply(query, 'REFUSED');
      case 'filter':
        return bareReply(query, 'NOERROR');
      case 'drop':
        return undefined;
    }
  };
}

/** What the first policy that fits says; who none is about may ask. */
export function actionFor(rules: readonly AclRule[], query: Query, client: string): AclAction {
  const name = nameOf(query);
  const address = parseIp(client.replace(/^::ffff:/, '').replace(/%.*/, ''));
  const fits = ({ types, ranges }: AclPolicy): boolean => {
    if (types.length > 0 && !types.includes(query.type)) return false;
    return ranges.length === 0 || (address !== undefined && ranges.some((range) => cidrContains(range, address)));
  };
  for (const { zones, policies } of rules) {
    if (!zones.some((zone) => isBelow(name, zone))) continue;
    // Of nobody knows whom only blocking is safe.
    const action = address === undefined ? 'block' : policies.find(fits)?.action;
    if (action !== undefined) return action;
  }
  return 'allow';
}
