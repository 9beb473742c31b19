import type { AnswerCase, AnswerRequest } from './answer-case.ts';
import { CERTIFICATE, CLIENT, FORGED, MASTERS, RSA, SERVING } from './certificate-requests.ts';
import { create, patch, read, remove, TABLE } from './requests.ts';

const SPEC = { request: CLIENT, signerName: 'kubernetes.io/kube-apiserver-client', usages: ['client auth'] };
const GIVEN = [create('certificateRequest', { spec: SPEC })];
const APPROVED = { type: 'Approved', status: 'True', reason: 'R', message: 'm' };
const DENIED = { ...APPROVED, type: 'Denied' };

const made = (what: string, spec: object): AnswerCase => ({
  name: `certificate: ${what}`,
  ask: create('certificateRequest', { spec: { ...SPEC, ...spec } }),
});
const status = (below: '/status' | '/approval' | '', fields: object): AnswerRequest =>
  patch('certificateRequest', 'merge', { status: fields }, below);
const decide = (...conditions: readonly object[]): AnswerRequest => status('/approval', { conditions });
const sign = (fields: object): AnswerRequest => status('/status', fields);
const then = (what: string, ask: AnswerRequest, ...before: readonly AnswerRequest[]): AnswerCase => ({
  name: `certificate: ${what}`,
  given: [...GIVEN, ...before],
  ask,
});

export const certificateCases: readonly AnswerCase[] = [
  made('of a client', {}),
  made('by RSA', { request: RSA, expirationSeconds: 3600 }),
  made('of a server', { request: SERVING, signerName: 'a.test/b.c', usages: ['server auth', 'digital signature'] }),
  made('as somebody else', { username: 'bob', groups: ['g'], uid: 'u', extra: { a: ['b'] } }),
  made('of all masters', { request: MASTERS }),
  made('of all masters by another', { request: MASTERS, signerName: 'a.test/b' }),
  made('forged', { request: FORGED }),
  made('that is none', { request: 'eA==' }),
  made('that is one already', { request: CERTIFICATE }),
  { name: 'certificate: of nothing', ask: create('certificateRequest', { spec: {} }) },
  made('for whatever', { usages: ['client auth', 'eat', 'client auth'] }),
  made('for a moment', { expirationSeconds: 599 }),
  made('by nobody', { signerName: '' }),
  made('by one word', { signerName: 'me' }),
  made('by three words', { signerName: 'a.b/c/d' }),
  made('by a name that is none', { signerName: 'A.b-/C.D' }),
  made('by a short name', { signerName: 'a/b' }),
  made('by the legacy one', { signerName: 'kubernetes.io/legacy-unknown' }),
  then('as a table', read('certificateRequest', '/x', TABLE)),
  then('approved', decide(APPROVED)),
  then('approved, as a table', read('certificateRequest', '/x', TABLE), decide(APPROVED)),
  then('denied, as a table', read('certificateRequest', '/x', TABLE), decide(DENIED)),
  then('approved and denied', decide(APPROVED, DENIED)),
  then('approved twice', decide(APPROVED, APPROVED)),
  then('not approved', decide({ ...APPROVED, status: 'False' })),
  then('of no condition', decide({ reason: 'R' })),
  then('approved, then not', decide(), decide(APPROVED)),
  then('approved, then signed', sign({ certificate: CERTIFICATE }), decide(APPROVED)),
  then('signed, as a table', read('certificateRequest', '/x', TABLE), sign({ certificate: CERTIFICATE })),
  then('signed with what is none', sign({ certificate: 'eA==' })),
  then('signed with a request', sign({ certificate: CLIENT })),
  then('signed again', sign({ certificate: null }), sign({ certificate: CERTIFICATE })),
  then('failed', sign({ conditions: [{ type: 'Failed', status: 'True' }] })),
  then('failed, then not', sign({ conditions: [] }), sign({ conditions: [{ type: 'Failed', status: 'True' }] })),
  then('approved by its signer', sign({ conditions: [APPROVED] })),
  then(
    'that changes',
    patch('certificateRequest', 'merge', { spec: { usages: ['any'] }, metadata: { labels: { a: 'b' } } }),
  ),
  then('signed with its decision', status('/approval', { certificate: CERTIFICATE, conditions: [APPROVED] })),
  then('its status by the front door', status('', { conditions: [APPROVED] })),
  then('its decision, read', read('certificateRequest', '/x/approval'), decide(APPROVED)),
  then('taken away', remove('certificateRequest')),
  {
    name: 'certificate: by signer',
    given: GIVEN,
    ask: read('certificateRequest', '?fieldSelector=spec.signerName%3Dkubernetes.io%2Fkube-apiserver-client', TABLE),
  },
];
