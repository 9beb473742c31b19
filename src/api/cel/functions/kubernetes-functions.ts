import { addressBits } from '#base/cidr.ts';
import { formatIp, type Ip, parseIp } from '#base/ip.ts';
import { errorMessage } from '#base/errors.ts';
import { parseQuantity } from '../../quantity.ts';
import { CelError } from '../cel-error.ts';
import { CelList, type CelOpaque, CelOptional, EntryMap, type Network, type Semver } from '../cel-value.ts';
import { FORMATS } from '../named-formats.ts';
import { compareSemver, normalizeSemver, parseSemver } from '../semver.ts';
import { isRequestUri } from '../request-uri.ts';
import { type CelFunction, define, type Definition, once, sizeOf, twice } from './cel-function.ts';

type Of<K extends CelOpaque['kind']> = Extract<CelOpaque, { kind: K }>;

const NANOS = 1_000_000_000n;

function amount(nanos: bigint): Of<'Quantity'> {
  return { kind: 'Quantity', of: { nanos } };
}

function quantityOf(text: string): Of<'Quantity'> {
  try {
    return amount(parseQuantity(text).nanos);
  } catch (error) {
    throw new CelError(errorMessage(error));
  }
}

function parses(parse: (text: string) => unknown): (text: string) => boolean {
  return (text) => {
    try {
      parse(text);
      return true;
    } catch (error) {
      if (error instanceof CelError) return false;
      throw error;
    }
  };
}

function wholeOf(nanos: bigint): bigint | undefined {
  const whole = nanos / NANOS;
  return nanos % NANOS === 0n && BigInt.asIntN(64, whole) === whole ? whole : undefined;
}

function integerOf({ of }: Of<'Quantity'>): bigint {
  const whole = wholeOf(of.nanos);
  if (whole === undefined) throw new CelError('cannot convert value to integer');
  return whole;
}

const sign = (value: bigint): bigint => (value > 0n ? 1n : value < 0n ? -1n : 0n);

type TwoAmounts = (a: Of<'Quantity'>, b: Of<'Quantity'>) => CelOpaque;

function sum(factor: bigint): readonly Definition[] {
  const amounts: TwoAmounts = (a, b) => amount(a.of.nanos + factor * b.of.nanos);
  return [
    ['Quantity.(Quantity) -> Quantity', amounts],
    ['Quantity.(int) -> Quantity', (a: Of<'Quantity'>, b: bigint) => amount(a.of.nanos + factor * b * NANOS)],
  ];
}

/** Quantities and versions are compared by the same names. */
function ordered<T extends bigint | boolean>(result: string, read: (order: bigint) => T): readonly Definition[] {
  return [
    [`Quantity.(Quantity) -> ${result}`, (a: Of<'Quantity'>, b: Of<'Quantity'>) => read(sign(a.of.nanos - b.of.nanos))],
    [
      `Semver.(Semver) -> ${result}`,
      (a: Of<'Semver'>, b: Of<'Semver'>) => read(BigInt(Math.sign(compareSemver(a.of, b.of)))),
    ],
  ];
}

const QUANTITIES: readonly CelFunction[] = [
  define('quantity', ['(string) -> Quantity', quantityOf, once]),
  define('isQuantity', ['(string) -> bool', parses(quantityOf), once]),
  define('sign', ['(Quantity) -> int', ({ of }: Of<'Quantity'>) => sign(of.nanos)]),
  define('isGreaterThan', ...ordered('bool', (order) => order > 0n)),
  define('isLessThan', ...ordered('bool', (order) => order < 0n)),
  define('compareTo', ...ordered('int', (order) => order)),
  define('asApproximateFloat', ['Quantity.() -> double', ({ of }: Of<'Quantity'>) => Number(of.nanos) / 1e9]),
  define('asInteger', ['Quantity.() -> int', integerOf]),
  define('isInteger', ['Quantity.() -> bool', ({ of }: Of<'Quantity'>) => wholeOf(of.nanos) !== undefined]),
  define('add', ...sum(1n)),
  define('sub', ...sum(-1n)),
];

function versionOf(text: string): Of<'Semver'> {
  const of = parseSemver(text);
  if (of === undefined) throw new CelError(`semver parse error: ${JSON.stringify(text)} is no semantic version`);
  return { kind: 'Semver', of };
}

const looseVersion = (text: string, isLoose: boolean): Of<'Semver'> =>
  versionOf(isLoose ? normalizeSemver(text) : text);

function part(index: 0 | 1 | 2): Definition {
  return ['Semver.() -> int', ({ of }: { readonly of: Semver }) => of.numbers[index]];
}

const VERSIONS: readonly CelFunction[] = [
  define('semver', ['(string) -> Semver', versionOf, once], ['(string, bool) -> Semver', looseVersion, once]),
  define(
    'isSemver',
    ['(string) -> bool', parses(versionOf), once],
    [
      '(string, bool) -> bool',
      (text: string, isLoose: boolean) => parses((of) => looseVersion(of, isLoose))(text),
      once,
    ],
  ),
  define('major', part(0)),
  define('minor', part(1)),
  define('patch', part(2)),
];

function urlOf(text: string): Of<'URL'> {
  if (!isRequestUri(text)) {
    throw new CelError(
      `URL parse error during conversion from string: parse ${JSON.stringify(text)}: invalid URI for request`,
    );
  }
  return { kind: 'URL', of: URL.canParse(text) ? new URL(text) : new URL(text, 'none://none') };
}

const isRelative = (url: URL): boolean => url.protocol === 'none:';

function queryOf({ of }: Of<'URL'>): EntryMap {
  const map = new EntryMap();
  for (const key of new Set(of.searchParams.keys())) map.add(key, CelList.of(of.searchParams.getAll(key)));
  return map;
}

const URLS: readonly CelFunction[] = [
  define('url', ['(string) -> URL', urlOf, once]),
  define('isURL', ['(string) -> bool', isRequestUri, once]),
  define('getScheme', ['URL.() -> string', ({ of }: Of<'URL'>) => (isRelative(of) ? '' : of.protocol.slice(0, -1))]),
  define('getHost', ['URL.() -> string', ({ of }: Of<'URL'>) => (isRelative(of) ? '' : of.host)]),
  define('getHostname', [
    'URL.() -> string',
    ({ of }: Of<'URL'>) => (isRelative(of) ? '' : of.hostname.replaceAll(/^\[|\]$/g, '')),
  ]),
  define('getPort', ['URL.() -> string', ({ of }: Of<'URL'>) => of.port]),
  define('getEscapedPath', ['URL.() -> string', ({ of }: Of<'URL'>) => of.pathname]),
  define('getQuery', ['URL.() -> map(string, list(string))', queryOf]),
];

/** ::ffff:0:0/96, which stands for IPv4. */
const isMapped = ({ family, value }: Ip): boolean => family === 6 && value >> 32n === 0xffffn;

function ipOf(text: string): Of<'IP'> {
  if (text.includes('%')) throw new CelError(`IP address ${JSON.stringify(text)} with zone value is not allowed`);
  const of = parseIp(text);
  if (of === undefined) {
    const why = `ParseAddr(${JSON.stringify(text)}): unable to parse IP`;
    throw new CelError(`IP Address ${JSON.stringify(text)} parse error during conversion from string: ${why}`);
  }
  if (isMapped(of)) throw new CelError(`IPv4-mapped IPv6 address ${JSON.stringify(text)} is not allowed`);
  return { kind: 'IP', of };
}

function cidrOf(text: string): Of<'CIDR'> {
  const [, address = '', length = ''] = /^([^/]*)\/(0|[1-9]\d{0,2})$/.exec(text) ?? [];
  const ip = parseIp(address);
  if (ip === undefined || length === '' || Number(length) > addressBits(ip.family)) {
    const why = `netip.ParsePrefix(${JSON.stringify(text)}): no '/'`;
    throw new CelError(`network address parse error during conversion from string: ${why}`);
  }
  if (isMapped(ip)) throw new CelError(`IPv4-mapped IPv6 address ${JSON.stringify(text)} is not allowed`);
  return { kind: 'CIDR', of: { ip, prefix: Number(length) } };
}

const hostBits = ({ ip, prefix }: Network): bigint => BigInt(addressBits(ip.family) - prefix);

function holds(network: Network, ip: Ip): boolean {
  const bits = hostBits(network);
  return network.ip.family === ip.family && network.ip.value >> bits === ip.value >> bits;
}

function holdsAll(network: Network, other: Network): boolean {
  return network.prefix <= other.prefix && holds(network, other.ip);
}

function masked({ of }: Of<'CIDR'>): Of<'CIDR'> {
  const bits = hostBits(of);
  return { kind: 'CIDR', of: { ...of, ip: { ...of.ip, value: (of.ip.value >> bits) << bits } } };
}

const v4 = (ip: Ip, bits: bigint): bigint => ip.value >> (32n - bits);
const v6 = (ip: Ip, bits: bigint): bigint => ip.value >> (128n - bits);

const IS: Readonly<Record<string, (ip: Ip) => boolean>> = {
  isUnspecified: ({ value }) => value === 0n,
  isLoopback: (ip) => (ip.family === 4 ? v4(ip, 8n) === 127n : ip.value === 1n),
  isLinkLocalMulticast: (ip) => (ip.family === 4 ? v4(ip, 24n) === 0xe00000n : (v6(ip, 16n) & 0xff0fn) === 0xff02n),
  isLinkLocalUnicast: (ip) => (ip.family === 4 ? v4(ip, 16n) === 0xa9fen : v6(ip, 10n) === 0x3fan),
};

function isGlobal(ip: Ip): boolean {
  if (ip.family === 4 && ip.value === 0xffffffffn) return false;
  const isMulticast = ip.family === 4 ? v4(ip, 4n) === 0xen : v6(ip, 8n) === 0xffn;
  return !isMulticast && !['isUnspecified', 'isLoopback', 'isLinkLocalUnicast'].some((name) => IS[name]?.(ip) === true);
}

const ADDRESSES: readonly CelFunction[] = [
  define('ip', ['(string) -> IP', ipOf, once], ['CIDR.() -> IP', ({ of }: Of<'CIDR'>) => ({ kind: 'IP', of: of.ip })]),
  define('isIP', ['(string) -> bool', parses(ipOf), once]),
  define('ip.isCanonical', ['(string) -> bool', (text: string) => formatIp(ipOf(text).of) === text, twice]),
  define('family', ['IP.() -> int', ({ of }: Of<'IP'>) => BigInt(of.family)]),
  define('isGlobalUnicast', ['IP.() -> bool', ({ of }: Of<'IP'>) => isGlobal(of)]),
  ...Object.entries(IS).map(([name, is]) => define(name, ['IP.() -> bool', ({ of }: Of<'IP'>) => is(of)])),
  define('cidr', ['(string) -> CIDR', cidrOf, once]),
  define('isCIDR', ['(string) -> bool', parses(cidrOf), once]),
  define(
    'containsIP',
    ['CIDR.(string) -> bool', (network: Of<'CIDR'>, text: string) => holds(network.of, ipOf(text).of)],
    ['CIDR.(IP) -> bool', (network: Of<'CIDR'>, ip: Of<'IP'>) => holds(network.of, ip.of)],
  ),
  define(
    'containsCIDR',
    ['CIDR.(string) -> bool', (network: Of<'CIDR'>, text: string) => holdsAll(network.of, cidrOf(text).of)],
    ['CIDR.(CIDR) -> bool', (network: Of<'CIDR'>, other: Of<'CIDR'>) => holdsAll(network.of, other.of)],
  ),
  define('prefixLength', ['CIDR.() -> int', ({ of }: Of<'CIDR'>) => BigInt(of.prefix)]),
  define('masked', ['CIDR.() -> CIDR', masked]),
];

function validated({ of }: Of<'Format'>, text: string): CelOptional {
  const problems = of.check(text);
  return problems.length === 0 ? CelOptional.none : new CelOptional(CelList.of(problems));
}

function named(name: string): CelOptional {
  const of = FORMATS.get(name);
  return of === undefined ? CelOptional.none : new CelOptional({ kind: 'Format', of });
}

const NAMED_FORMATS: readonly CelFunction[] = [
  ...[...FORMATS].map(([name, of]) => define(`format.${name}`, ['() -> Format', () => ({ kind: 'Format', of })])),
  define('format.named', ['(string) -> optional(Format)', named]),
  define('validate', [
    'Format.(string) -> optional(list(string))',
    validated,
    ([, text]) => Math.ceil((1 + sizeOf(text)) * 0.1) * 8,
  ]),
];

export const KUBERNETES_FUNCTIONS: readonly CelFunction[] = [
  ...QUANTITIES,
  ...VERSIONS,
  ...URLS,
  ...ADDRESSES,
  ...NAMED_FORMATS,
];
