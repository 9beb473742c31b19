import { formatAddress, writeAddress } from './address.ts';
import { ctStateType, ctStatusType, type Datatype } from './datatype.ts';

type Names = Readonly<Record<string, number>>;

const symbols: Readonly<Record<string, Names>> = {
  // IPPROTO_*, by the names of /etc/protocols, which is what nft prints.
  inet_proto: { icmp: 1, tcp: 6, udp: 17, 'ipv6-icmp': 58, sctp: 132 },
  // NF_CT_STATE_BIT
  ct_state: { invalid: 1, established: 2, related: 4, new: 8, untracked: 64 },
  // enum ip_conntrack_status
  ct_status: { expected: 1, 'seen-reply': 2, assured: 4, confirmed: 8, snat: 16, dnat: 32, dying: 512 },
  ct_dir: { original: 0, reply: 1 },
  // RTN_*
  fib_addrtype: { unicast: 1, local: 2, broadcast: 3, anycast: 4, multicast: 5, blackhole: 6, unreachable: 7 },
};

/** Bytes of a value in nft's words, `datatype.length` of them. */
export function encodeValue(datatype: Datatype, text: string): Uint8Array {
  const bytes = new Uint8Array(datatype.length);
  switch (datatype.name) {
    case 'ipv4_addr':
    case 'ipv6_addr':
      if (!writeAddress(bytes, 0, text, datatype.length)) throw malformed(datatype, text);
      return bytes;
    case 'ifname':
      return encodeName(datatype, text);
    case 'classid':
      return writeNumber(datatype, bytes, parsePriority(datatype, text));
    case 'ct_state':
    case 'ct_status': {
      const bits = text.split(',').map((name) => symbolNumber(datatype, name));
      return writeNumber(
        datatype,
        bytes,
        bits.reduce((sum, bit) => sum | bit, 0),
      );
    }
    default:
      return writeNumber(datatype, bytes, symbolNumber(datatype, text));
  }
}

export function formatValue(datatype: Datatype, bytes: Uint8Array): string {
  switch (datatype.name) {
    case 'ipv4_addr':
    case 'ipv6_addr':
      return formatAddress(bytes);
    case 'ifname': {
      const zero = bytes.indexOf(0);
      return `"${String.fromCharCode(...(zero < 0 ? bytes : bytes.subarray(0, zero)))}"`;
    }
    default:
      return formatNumber(datatype, readNumber(datatype, bytes));
  }
}

/** The number in `bytes`, in the datatype's byte order; of addresses, the first 32 bits. */
export function readNumber(datatype: Datatype, bytes: Uint8Array): number {
  let number = 0;
  const size = Math.min(datatype.length, 4);
  for (let i = 0; i < size; i++) {
    number = number * 256 + (bytes[datatype.byteOrder === 'host' ? size - 1 - i : i] ?? 0);
  }
  return number;
}

function formatNumber(datatype: Datatype, number: number): string {
  if (datatype.name === 'classid') {
    if (number === 0) return 'none';
    if (number === 0xffff_ffff) return 'root';
    return `${(number >>> 16).toString(16)}:${(number & 0xffff).toString(16)}`;
  }
  if (datatype.name === 'mark') return formatHex(number);
  const names = Object.entries(symbols[datatype.name] ?? {});
  if (datatype === ctStateType || datatype === ctStatusType) {
    return names
      .filter(([, bit]) => (number & bit) !== 0)
      .map(([name]) => name)
      .join(',');
  }
  return names.find(([, known]) => known === number)?.[0] ?? String(number);
}

export function formatHex(number: number): string {
  return `0x${(number >>> 0).toString(16).padStart(8, '0')}`;
}

function symbolNumber(datatype: Datatype, text: string): number {
  const known = symbols[datatype.name]?.[text];
  if (known !== undefined) return known;
  const number = /^(0x[0-9a-f]+|\d+)$/i.test(text) ? Number(text) : Number.NaN;
  if (!(number < 2 ** (8 * datatype.length))) throw malformed(datatype, text);
  return number;
}

/** tc's notation: major and minor as hexadecimal halves. */
function parsePriority(datatype: Datatype, text: string): number {
  if (text === 'none') return 0;
  if (text === 'root') return 0xffff_ffff;
  const halves = /^([0-9a-f]{1,4}):([0-9a-f]{1,4})$/i.exec(text);
  if (halves === null) throw malformed(datatype, text);
  return Number.parseInt(halves[1] ?? '', 16) * 0x10000 + Number.parseInt(halves[2] ?? '', 16);
}

function writeNumber(datatype: Datatype, bytes: Uint8Array, number: number): Uint8Array {
  let rest = number >>> 0;
  for (let i = 0; i < bytes.length; i++) {
    bytes[datatype.byteOrder === 'host' ? i : bytes.length - 1 - i] = rest & 0xff;
    rest >>>= 8;
  }
  return bytes;
}

/** `"eth*"` is fewer bytes than a name has: only those are compared. */
function encodeName(datatype: Datatype, text: string): Uint8Array {
  const bare = text.replace(/^"(.*)"$/, '$1');
  if (bare.endsWith('*') && bare.length <= datatype.length) return new TextEncoder().encode(bare.slice(0, -1));
  const bytes = new Uint8Array(datatype.length);
  const written = new TextEncoder().encodeInto(bare, bytes.subarray(0, datatype.length - 1));
  if (written.read < bare.length) throw malformed(datatype, text);
  return bytes;
}

function malformed(datatype: Datatype, text: string): RangeError {
  return new RangeError(`Cannot encode ${JSON.stringify(text)}: it is not a value of type ${datatype.name}`);
}
