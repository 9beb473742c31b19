import type { AlternativeNames, SigningRequest } from '#api/certificates/signing-request.ts';

/** What each of the cluster's own signers refuses, in the words of pkg/apis/certificates/helpers.go of 1.34. */
const SIGNERS: Readonly<Record<string, (request: SigningRequest, usages: readonly string[]) => string | undefined>> = {
  'kubernetes.io/kube-apiserver-client': (_request, usages) => clientProblem(usages),
  'kubernetes.io/kube-apiserver-client-kubelet': nodeClientProblem,
  'kubernetes.io/kubelet-serving': nodeServerProblem,
};

/** Whether the cluster signs for this name; all others are for somebody else. */
export function isOwnSigner(name: string): boolean {
  return Object.hasOwn(SIGNERS, name);
}

/** Why a signer does not sign; undefined when it does. */
export function signerProblem(signer: string, request: SigningRequest, usages: readonly string[]): string | undefined {
  return SIGNERS[signer]?.(request, usages);
}

function clientProblem(usages: readonly string[]): string | undefined {
  const allowed = ['digital signature', 'key encipherment', 'client auth'];
  const other = usages.find((usage) => !allowed.includes(usage));
  if (other !== undefined) return `invalid usage for client certificate: ${other}`;
  return usages.includes('client auth') ? undefined : 'missing required usage for client certificate: client auth';
}

const NODE_USER = 'system:node:';

function isOfNodes({ organizations }: SigningRequest): boolean {
  return organizations.length === 1 && organizations[0] === 'system:nodes';
}

const NOT_NODES = 'subject organization is not system:nodes';
const NOT_A_NODE = `subject common name does not begin with ${NODE_USER}`;

function nodeClientProblem(request: SigningRequest, usages: readonly string[]): string | undefined {
  if (!isOfNodes(request)) return NOT_NODES;
  const named = nameProblem(request.names, ['dns', 'email', 'ip', 'uri']);
  if (named !== undefined) return named;
  if (!request.commonName.startsWith(NODE_USER)) return NOT_A_NODE;
  return usageProblem(usages, 'client auth');
}

function nodeServerProblem(request: SigningRequest, usages: readonly string[]): string | undefined {
  if (!isOfNodes(request)) return NOT_NODES;
  if (request.names.dns + request.names.ip === 0) return 'DNS or IP subjectAltName is required';
  const named = nameProblem(request.names, ['email', 'uri']);
  if (named !== undefined) return named;
  const problem = usageProblem(usages, 'server auth');
  if (problem !== undefined) return problem;
  return request.commonName.startsWith(NODE_USER) ? undefined : NOT_A_NODE;
}

const CALLED: Readonly<Record<keyof AlternativeNames, string>> = { dns: 'DNS', email: 'Email', ip: 'IP', uri: 'URI' };

function nameProblem(names: AlternativeNames, refused: readonly (keyof AlternativeNames)[]): string | undefined {
  const found = refused.find((kind) => names[kind] > 0);
  return found === undefined ? undefined : `${CALLED[found]} subjectAltNames are not allowed`;
}

/** Exactly these, with or without what only RSA keys need. */
function usageProblem(usages: readonly string[], purpose: string): string | undefined {
  const given = new Set(usages);
  given.delete('key encipherment');
  const isExact = given.size === 2 && given.has('digital signature') && given.has(purpose);
  const list = ['digital signature', 'key encipherment', purpose].toSorted();
  return isExact ? undefined : `usages did not match [${list.join(' ')}]`;
}
