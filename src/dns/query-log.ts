import type { Clock } from '#base/clock.ts';
import type { LogConfig } from './corefile/server-config.ts';
import { isBelow, nameText } from './name.ts';
import { nameOf, parseQuery, uint16 } from './query.ts';
import { RCODES, typeName } from './record-type.ts';
import type { Resolve } from './resolver.ts';

export interface QueryLogOptions {
  readonly config: LogConfig;
  readonly clock: Clock;
  readonly write: (line: string) => void;
}

const rcodeNames = new Map<number, string>(Object.entries(RCODES).map(([name, code]) => [code, name]));
/** Bits of the header's second half, in the order in which CoreDNS names them. */
const FLAGS: readonly (readonly [number, string])[] = [
  [0x8000, 'qr'],
  [0x0400, 'aa'],
  [0x0200, 'tc'],
  [0x0100, 'rd'],
  [0x0080, 'ra'],
  [0x0020, 'ad'],
  [0x0010, 'cd'],
];

/** The same resolver, with a line for each query in the form that CoreDNS's `log` has. */
export function withQueryLog(resolve: Resolve, options: QueryLogOptions): Resolve {
  const { clock, write } = options;
  return (bytes, transport, client, depth) => {
    const start = clock.monotonic();
    const logged = (answer: Uint8Array | undefined): Uint8Array | undefined => {
      const line = answer === undefined ? undefined : lineOf(options, bytes, answer, transport, client);
      if (line !== undefined) write(`${line} ${((clock.monotonic() - start) / 1000).toFixed(9)}s`);
      return answer;
    };
    const answer = resolve(bytes, transport, client, depth);
    return answer instanceof Promise ? answer.then(logged) : logged(answer);
  };
}

function lineOf(
  { config }: QueryLogOptions,
  bytes: Buffer,
  answer: Uint8Array,
  transport: 'udp' | 'tcp',
  client: string | undefined,
): string | undefined {
  const query = parseQuery(bytes);
  if (query.kind !== 'query') return undefined;
  const name = nameOf(query);
  const rcode = (answer[3] ?? 0) & 15;
  if (!config.zones.some((zone) => isBelow(name, zone)) || !isLogged(config, rcode)) return undefined;
  const flags = uint16(answer, 2);
  const names = FLAGS.filter(([bit]) => (flags & bit) !== 0).map(([, flag]) => flag);
  const dotted = name === '\0' ? '.' : `${nameText(name)}.`;
  const question = `${typeName(query.type)} IN ${dotted} ${transport} ${bytes.length} ${query.dnssecOk} ${query.udpSize}`;
  const rest = `${rcodeNames.get(rcode) ?? rcode} ${names.join(',')} ${answer.length}`;
  return `[INFO] ${client ?? '-'} - ${uint16(bytes, 0)} "${question}" ${rest}`;
}

function isLogged({ classes }: LogConfig, rcode: number): boolean {
  return classes.some((own) => {
    if (own === 'all') return true;
    if (own === 'denial') return rcode === RCODES.NXDOMAIN;
    return own === 'success' ? rcode === RCODES.NOERROR : rcode !== RCODES.NOERROR && rcode !== RCODES.NXDOMAIN;
  });
}
