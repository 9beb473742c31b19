import { type Cidr, parseCidr } from '#base/cidr.ts';
import { parseIp } from '#base/ip.ts';
import type { WireName } from '../name.ts';
import { typeNamed, zonesOrBlock } from './arguments.ts';
import type { Directive, Line } from './corefile.ts';
import { corefileError, type Place } from './place.ts';
import type { AclAction, AclPolicy, AclRule } from './server-config.ts';

const ACTIONS: readonly AclAction[] = ['allow', 'block', 'filter', 'drop'];

/** `acl [ZONE...] { ACTION [type TYPE...] [net RANGE...] }` */
export function readAcl(directive: Directive, block: readonly WireName[]): AclRule {
  const policies = (directive.block ?? []).map(readPolicy);
  return Object.freeze({ zones: zonesOrBlock(directive, directive.args, block), policies });
}

function readPolicy(line: Line): AclPolicy {
  const action = ACTIONS.find((known) => known === line.name.toLowerCase());
  if (action === undefined) throw corefileError(line, `acl cannot "${line.name}": it can ${ACTIONS.join(', ')}`);
  const said: Record<'type' | 'net', string[]> = { type: [], net: [] };
  let section: 'type' | 'net' | undefined;
  for (const word of line.args) {
    const lower = word.toLowerCase();
    if (lower === 'type' || lower === 'net') section = lower;
    else if (section === undefined) throw corefileError(line, `"${word}" is neither type nor net`);
    else said[section].push(word);
  }
  // With a star among them they are all.
  const some = (words: readonly string[]): readonly string[] => (words.includes('*') ? [] : words);
  return Object.freeze({
    action,
    types: some(said.type).map((name) => typeNamed(line, name)),
    ranges: some(said.net).map((text) => range(line, text)),
  });
}

function range(place: Place, text: string): Cidr {
  const ip = parseIp(text);
  const found = parseCidr(ip === undefined ? text : `${text}/${ip.family === 4 ? 32 : 128}`);
  if (found === undefined) throw corefileError(place, `"${text}" is no range of addresses`, 'write it like 10.0.0.0/8');
  return found;
}
