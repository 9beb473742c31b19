import type { Said } from '../testing/upstream-server.ts';
import { a, soa } from '../testing/upstream-server.ts';

/** What the servers for other names say in a comparison. */
export function sayOutside(
  name: string,
  _transport: string,
  packet: { questions?: { type: string }[] | undefined },
): Said {
  const type = packet.questions?.[0]?.type;
  const lower = name.toLowerCase();
  if (lower === 'example.org') {
    return type === 'A' ? { answers: [a(name, '192.0.2.80')] } : { authorities: [soa('example.org', 60, 60)] };
  }
  if (lower === 'alias.example.org' && (type === 'A' || type === 'CNAME')) {
    const alias = { type: 'CNAME', name, ttl: 60, data: 'example.org' } as const;
    return { answers: type === 'A' ? [alias, a('example.org', '192.0.2.80')] : [alias] };
  }
  return { rcode: 3, authorities: [soa(lower.endsWith('example.org') ? 'example.org' : '.', 60, 60)] };
}
