import { DECISIONS, validateCertificateRequest, validateCertificateRequestChange } from '../certificates/validation.ts';
import { age, ageColumn, column, nameColumn, orNone } from '../columns.ts';
import { defineKind } from '../define-kind.ts';
import { humanDuration } from '../duration.ts';
import type { FieldError } from '../field-error.ts';
import type * as t from '../generated/types.ts';
import type { KindDefinition } from '../kind.ts';
import { validateMetaUpdate } from '../meta-validation.ts';
import { certificateSigningRequests } from '../resource.ts';

type Csr = t.CertificateSigningRequest;

function conditionCell({ status }: Csr): string {
  const types = new Set((status?.conditions ?? []).map(({ type }) => type));
  const decision = types.has('Denied') ? 'Denied' : types.has('Approved') ? 'Approved' : 'Pending';
  const failed = types.has('Failed') ? ',Failed' : '';
  return `${decision}${failed}${(status?.certificate ?? '') === '' ? '' : ',Issued'}`;
}

/** Whoever signs leaves what was decided as it is. */
function keepDecisions(csr: Csr, old: Csr): Csr {
  const kept = new Map(DECISIONS.map((type) => [type, conditionsOf(old, type)]));
  const isSame = (type: string): boolean => conditionsOf(csr, type).length === kept.get(type)?.length;
  const conditions = csr.status?.conditions?.map((condition) =>
    isSame(condition.type) ? (kept.get(condition.type)?.shift() ?? condition) : condition,
  );
  return { ...csr, status: { ...csr.status, conditions } };
}

function conditionsOf({ status }: Csr, type: string): t.CertificateSigningRequestCondition[] {
  return (status?.conditions ?? []).filter((condition) => condition.type === type);
}

/** A request with the conditions of another: what its subresource `approval` changes. */
export function withDecision(old: Csr, decided: Csr): Csr {
  return { ...old, metadata: decided.metadata, status: { ...old.status, conditions: decided.status?.conditions } };
}

export function validateDecision(csr: Csr, old: Csr): FieldError[] {
  return [
    ...validateCertificateRequest(csr, old),
    ...validateMetaUpdate(csr.metadata, old.metadata),
    ...validateCertificateRequestChange(csr, old, 'decision'),
  ];
}

const kind = defineKind<Csr>(certificateSigningRequests, {
  shortNames: ['csr'],
  subresources: {
    status: true,
    others: [{ name: 'approval', kind: 'CertificateSigningRequest', verbs: ['get', 'patch', 'update'] }],
  },
  checkName: () => [],
  fields: { 'spec.signerName': ({ spec }) => spec.signerName ?? '' },
  columns: [
    nameColumn,
    ageColumn,
    column('SignerName', 'string', 'Who is to sign it.'),
    column('Requestor', 'string', 'Who made the request.'),
    column('RequestedDuration', 'string', 'How long the certificate is to be good.'),
    column('Condition', 'string', 'What was decided, and whether there is a certificate.'),
  ],
  row: (of, now) => {
    const { signerName, username, expirationSeconds: seconds } = of.spec;
    return [
      of.metadata.name,
      age(of, now),
      orNone(signerName),
      username ?? '',
      seconds === undefined ? '<none>' : humanDuration(seconds * 1000),
      conditionCell(of),
    ];
  },
  prepareUpdate: (of, old) => ({ ...of, spec: old.spec }),
  validate: (of, old) => validateCertificateRequest(of, old),
  validateChange: (of, old) => validateCertificateRequestChange(of, old, 'nothing'),
  validateStatus: (of, old) => [
    ...validateCertificateRequest(of, old),
    ...validateCertificateRequestChange(of, old, 'certificate'),
  ],
});

export const certificateSigningRequest: KindDefinition<Csr> = Object.freeze({
  ...kind,
  prepareStatusUpdate: (of: Csr, old: Csr) => keepDecisions(kind.prepareStatusUpdate(of, old), old),
});
