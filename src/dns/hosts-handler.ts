import { addressOfReverse } from './address.ts';
import type { Handler } from './handler.ts';
import type { Hosts } from './hosts.ts';
import { isBelow, labelsOf, type WireName } from './name.ts';
import { nameOf } from './query.ts';
import { RECORD_TYPES } from './record-type.ts';
import type { DnsRecord } from './record.ts';
import { bareReply, reply } from './reply.ts';
import { addressRecords } from './service-records.ts';
import { compileAnswer } from './compiled-answer.ts';

export interface HostsHandlerOptions {
  /** As it is now: a file may change. */
  readonly hosts: () => Hosts;
  readonly zones: readonly WireName[];
  readonly ttl: number;
  readonly reverse: boolean;
  readonly fallthrough: readonly WireName[];
  readonly next: Handler;
}

/** Names of a hosts file. As in CoreDNS a name that it has not is a failure, unless it falls through. */
export function hostsHandler(options: HostsHandlerOptions): Handler {
  const { hosts, zones, ttl, fallthrough, next } = options;
  let turn = 0;
  return (query, limit, client, depth) => {
    const name = nameOf(query);
    const records = query.type === RECORD_TYPES.PTR ? pointers(options, name) : undefined;
    const known = hosts().addresses.get(name);
    if (records === undefined) {
      if (!zones.some((zone) => isBelow(name, zone))) return next(query, limit, client, depth);
      if (known === undefined) {
        const through = query.type === RECORD_TYPES.PTR || fallthrough.some((zone) => isBelow(name, zone));
        return through ? next(query, limit, client, depth) : bareReply(query, 'SERVFAIL');
      }
    }
    const answers =
      records ?? addressRecords(name, known ?? []).filter(({ kind }) => RECORD_TYPES[kind] === query.type);
    const answer = { kind: 'answer', rcode: 'NOERROR', answers, additionals: [], soa: false } as const;
    const compiled = compileAnswer({ name, type: query.type }, answer, { ttl, zone: '\0' });
    return reply(compiled, query, limit, turn++);
  };
}

function pointers({ hosts, reverse }: HostsHandlerOptions, name: WireName): readonly DnsRecord[] | undefined {
  const address = reverse ? addressOfReverse(labelsOf(name)) : undefined;
  const targets = address === undefined ? undefined : hosts().names.get(address);
  return targets?.map((target) => ({ kind: 'PTR', name, target }));
}
