import { X509Certificate } from 'node:crypto';
import { deepEqual } from '../equal.ts';
import { duplicate, type FieldError, forbidden, invalid, required, tooLong, unsupported } from '../field-error.ts';
import type * as t from '../generated/types.ts';
import { checkDns1123Label, checkDns1123Subdomain } from '../names.ts';
import { pemBlocks } from './pem.ts';
import { parseSigningRequest } from './signing-request.ts';

type Csr = t.CertificateSigningRequest;
type Condition = t.CertificateSigningRequestCondition;

const USAGES = [
  'any',
  'cert sign',
  'client auth',
  'code signing',
  'content commitment',
  'crl sign',
  'data encipherment',
  'decipher only',
  'digital signature',
  'email protection',
  'encipher only',
  'ipsec end system',
  'ipsec tunnel',
  'ipsec user',
  'key agreement',
  'key encipherment',
  'microsoft sgc',
  'netscape sgc',
  'ocsp signing',
  's/mime',
  'server auth',
  'signing',
  'timestamping',
];
const LEGACY_SIGNER = 'kubernetes.io/legacy-unknown';
const MIN_SECONDS = 600;

/** Decided by whoever approves. */
export const DECISIONS: readonly string[] = ['Approved', 'Denied'];
const ONLY_TRUE = [...DECISIONS, 'Failed'];

export function validateCertificateRequest(csr: Csr, old?: Csr): FieldError[] {
  const { request = '', usages = [], signerName = '', expirationSeconds: seconds } = csr.spec;
  const { conditions = [], certificate = '' } = csr.status ?? {};
  return [
    ...validateRequest(request),
    ...validateUsages(usages),
    ...(signerName === LEGACY_SIGNER
      ? [invalid('spec.signerName', signerName, 'the legacy signerName is not allowed via this API version')]
      : validateSigner(signerName, 'spec.signerName')),
    ...(seconds !== undefined && seconds < MIN_SECONDS
      ? [invalid('spec.expirationSeconds', seconds, 'may not specify a duration less than 600 seconds (10 minutes)')]
      : []),
    ...validateConditions(conditions),
    ...(certificate === (old?.status?.certificate ?? '') ? [] : validateCertificate(certificate)),
  ];
}

function validateRequest(request: string): FieldError[] {
  try {
    parseSigningRequest(request);
    return [];
  } catch (error) {
    return [
      invalid('spec.request', request === '' ? null : request, error instanceof Error ? error.message : String(error)),
    ];
  }
}

function validateUsages(usages: readonly string[]): FieldError[] {
  if (usages.length === 0) return [required('spec.usages')];
  const at = (i: number): string => `spec.usages[${i}]`;
  return [
    ...usages.flatMap((usage, i) => (USAGES.includes(usage) ? [] : [unsupported(at(i), usage, USAGES)])),
    ...usages.flatMap((usage, i) => (usages.indexOf(usage) < i ? [duplicate(at(i), usage)] : [])),
  ];
}

const MAX_DOMAIN = 253;
const MAX_SIGNER = 571;

/** `domain/path`. */
function validateSigner(name: string, field: string): FieldError[] {
  if (name === '') return [required(field)];
  const [domain = '', path, ...more] = name.split('/');
  if (path === undefined || more.length > 0) {
    return [invalid(field, name, "must be a fully qualified domain and path of the form 'example.com/signer-name'")];
  }
  const labels = domain.split('.');
  return [
    ...(domain.length > MAX_DOMAIN ? [tooLong(field, MAX_DOMAIN)] : []),
    ...firstProblems(labels, checkDns1123Label, (label, why) =>
      invalid(field, domain, `validating label ${JSON.stringify(label)}: ${why}`),
    ),
    ...(labels.length < 2
      ? [invalid(field, domain, 'should be a domain with at least two segments separated by dots')]
      : []),
    ...firstProblems(path.split('.'), checkDns1123Subdomain, (label, why) =>
      invalid(field, path, `validating label ${JSON.stringify(label)}: ${why}`),
    ),
    ...(name.length > MAX_SIGNER ? [tooLong(field, MAX_SIGNER)] : []),
  ];
}

/** What is wrong with the first of the labels that is not right. */
function firstProblems(
  labels: readonly string[],
  check: (label: string) => readonly string[],
  error: (label: string, why: string) => FieldError,
): FieldError[] {
  const wrong = labels.find((label) => check(label).length > 0);
  return wrong === undefined ? [] : check(wrong).map((why) => error(wrong, why));
}

function validateConditions(conditions: readonly Condition[]): FieldError[] {
  const field = 'status.conditions';
  const seen = new Set<string>();
  return conditions.flatMap(({ type = '', status = '' }, i) => {
    const errors: FieldError[] = type === '' ? [required(`${field}[${i}].type`)] : [];
    const allowed = ONLY_TRUE.includes(type) ? ['True'] : ['False', 'True', 'Unknown'];
    if (status === '') errors.push(required(`${field}[${i}].status`));
    else if (!allowed.includes(status)) errors.push(unsupported(`${field}[${i}].status`, status, allowed));
    const other = type === 'Approved' ? 'Denied' : type === 'Denied' ? 'Approved' : '';
    if (other !== '' && seen.has(other)) {
      errors.push(invalid(field, type, 'Approved and Denied conditions are mutually exclusive'));
    }
    if (seen.has(type)) errors.push(duplicate(`${field}[${i}].type`, type));
    seen.add(type);
    return errors;
  });
}

function validateCertificate(base64: string): FieldError[] {
  if (base64 === '') return [];
  const why = certificateProblem(Buffer.from(base64, 'base64').toString('latin1'));
  return why === undefined ? [] : [invalid('status.certificate', '<certificate data>', why)];
}

function certificateProblem(pem: string): string | undefined {
  const blocks = pemBlocks(pem);
  for (const { type, headers, content } of blocks) {
    if (type !== 'CERTIFICATE') return `only CERTIFICATE PEM blocks are allowed, found ${JSON.stringify(type)}`;
    if (headers.length > 0) return 'no PEM block headers are permitted';
    if (!isCertificate(content)) return 'x509: malformed certificate';
  }
  return blocks.length === 0 ? 'must contain at least one CERTIFICATE PEM block' : undefined;
}

function isCertificate(der: Uint8Array): boolean {
  try {
    return new X509Certificate(der).raw.length > 0;
  } catch {
    return false;
  }
}

/** What a change may be about beside the metadata. */
export type Allowed = 'nothing' | 'certificate' | 'decision';

export function validateCertificateRequestChange(csr: Csr, old: Csr, allowed: Allowed): FieldError[] {
  return [...validateConditionChange(csr, old, allowed), ...validateCertificateChange(csr, old, allowed)];
}

function validateConditionChange(csr: Csr, old: Csr, allowed: Allowed): FieldError[] {
  const of = ({ status }: Csr, type: string): Condition[] =>
    (status?.conditions ?? []).filter((condition) => condition.type === type);
  const field = 'status.conditions';
  const removed = ONLY_TRUE.filter((type) => of(csr, type).length < of(old, type).length).map((type) =>
    forbidden(field, `updates may not remove a condition of type ${JSON.stringify(type)}`),
  );
  if (allowed === 'decision') return removed;
  const changed = DECISIONS.flatMap((type) => {
    const [now, before] = [of(csr, type), of(old, type)];
    if (now.length < before.length || deepEqual(now, before)) return [];
    const what = now.length > before.length ? 'add' : 'modify';
    return [forbidden(field, `updates may not ${what} a condition of type ${JSON.stringify(type)}`)];
  });
  return [...removed, ...changed];
}

function validateCertificateChange(csr: Csr, old: Csr, allowed: Allowed): FieldError[] {
  const [now, before] = [csr.status?.certificate ?? '', old.status?.certificate ?? ''];
  if (now === before) return [];
  const field = 'status.certificate';
  if (allowed !== 'certificate') return [forbidden(field, 'updates may not set certificate content')];
  return before === '' ? [] : [forbidden(field, 'updates may not modify existing certificate content')];
}
