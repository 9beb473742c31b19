import { createPublicKey, verify } from 'node:crypto';
import { type DerElement, derElement, derElements, oidText, TAG } from './der.ts';
import { pemBlocks } from './pem.ts';

/** What a PKCS #10 request (RFC 2986) asks a certificate for. */
export interface SigningRequest {
  readonly der: Uint8Array;
  readonly commonName: string;
  readonly organizations: readonly string[];
  readonly names: AlternativeNames;
}

/** How many of each there are. */
export interface AlternativeNames {
  readonly dns: number;
  readonly email: number;
  readonly ip: number;
  readonly uri: number;
}

const OID = {
  commonName: '2.5.4.3',
  organization: '2.5.4.10',
  extensionRequest: '1.2.840.113549.1.9.14',
  alternativeNames: '2.5.29.17',
} as const;

/** Signatures that are checked, with their digest; with none, the key says it. */
const SIGNATURES: Readonly<Record<string, string | null>> = {
  '1.2.840.113549.1.1.11': 'sha256',
  '1.2.840.113549.1.1.12': 'sha384',
  '1.2.840.113549.1.1.13': 'sha512',
  '1.2.840.10045.4.3.2': 'sha256',
  '1.2.840.10045.4.3.3': 'sha384',
  '1.2.840.10045.4.3.4': 'sha512',
  '1.3.101.112': null,
};

/**
 * Reads a request, base64 of PEM, and checks that whoever made it has the key.
 * @throws {Error} whose text says what is wrong
 */
export function parseSigningRequest(base64: string): SigningRequest {
  const der = derOfPem(Buffer.from(base64, 'base64').toString('latin1'));
  const [info, algorithm, signature] = derElements(derElement(der, TAG.sequence).content);
  if (info?.tag !== TAG.sequence || algorithm?.tag !== TAG.sequence || signature?.tag !== TAG.bits) {
    throw new SyntaxError('asn1: structure error: not a certificate request');
  }
  const [, subject, key, attributes] = derElements(info.content);
  if (subject === undefined || key === undefined) {
    throw new SyntaxError('asn1: structure error: not a certificate request');
  }
  checkSignature(info, algorithm, signature, key);
  return { der, ...subjectOf(subject), names: namesOf(attributes) };
}

function derOfPem(text: string): Uint8Array {
  const [block] = pemBlocks(text);
  if (block?.type !== 'CERTIFICATE REQUEST') throw new Error('PEM block type must be CERTIFICATE REQUEST');
  return block.content;
}

function checkSignature(info: DerElement, algorithm: DerElement, signature: DerElement, key: DerElement): void {
  const [name] = derElements(algorithm.content);
  const digest = SIGNATURES[oidText(name?.content ?? new Uint8Array())];
  if (digest === undefined) throw new Error('x509: cannot verify signature: algorithm unimplemented');
  const publicKey = createPublicKey({ key: Buffer.from(key.whole), format: 'der', type: 'spki' });
  // The first byte says how many bits of the last do not count.
  if (verify(digest, info.whole, publicKey, signature.content.subarray(1))) return;
  const isRsa = publicKey.asymmetricKeyType === 'rsa';
  throw new Error(isRsa ? 'crypto/rsa: verification error' : 'x509: ECDSA verification failure');
}

function subjectOf(subject: DerElement): Pick<SigningRequest, 'commonName' | 'organizations'> {
  const attributes = derElements(subject.content)
    .flatMap(({ content }) => derElements(content))
    .map(({ content }) => derElements(content))
    .map(([type, value]) => ({ type: oidText(type?.content ?? new Uint8Array()), text: textOf(value) }));
  const valuesOf = (wanted: string): string[] =>
    attributes.filter(({ type }) => type === wanted).map(({ text }) => text);
  return { commonName: valuesOf(OID.commonName).at(-1) ?? '', organizations: valuesOf(OID.organization) };
}

const BMP_STRING = 0x1e;
/** UTF8String, NumericString, PrintableString, T61String, IA5String. */
const BYTE_STRINGS: ReadonlySet<number> = new Set([0x0c, 0x12, 0x13, 0x14, 0x16]);

/** Whoever reads the certificate must see the same text: of other types readers differ, so there is none to be checked. */
function textOf(value: DerElement | undefined): string {
  if (value === undefined) return '';
  const bytes = Buffer.from(value.content);
  if (value.tag === BMP_STRING) return bytes.swap16().toString('utf16le');
  if (!BYTE_STRINGS.has(value.tag)) throw new SyntaxError('asn1: structure error: unsupported type of string');
  return bytes.toString('utf8');
}

/** The kinds of GeneralName (RFC 5280) that are counted, by their tag. */
const GENERAL_NAMES: Readonly<Record<number, keyof AlternativeNames>> = {
  0x81: 'email',
  0x82: 'dns',
  0x86: 'uri',
  0x87: 'ip',
};

function namesOf(attributes: DerElement | undefined): AlternativeNames {
  const counts = { dns: 0, email: 0, ip: 0, uri: 0 };
  for (const { content } of derElements(attributes?.content ?? new Uint8Array())) {
    const [type, values] = derElements(content);
    if (oidText(type?.content ?? new Uint8Array()) !== OID.extensionRequest) continue;
    const extensions = derElements(values?.content ?? new Uint8Array()).flatMap((one) => derElements(one.content));
    for (const extension of extensions) countNames(extension, counts);
  }
  return counts;
}

function countNames(extension: DerElement, counts: Record<keyof AlternativeNames, number>): void {
  const parts = derElements(extension.content);
  if (oidText(parts[0]?.content ?? new Uint8Array()) !== OID.alternativeNames) return;
  const value = parts.at(-1);
  if (value?.tag !== TAG.octets) return;
  for (const { tag } of derElements(derElement(value.content, TAG.sequence).content)) {
    const kind = GENERAL_NAMES[tag];
    if (kind !== undefined) counts[kind] += 1;
  }
}
