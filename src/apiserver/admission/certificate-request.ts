import { rfc3339 } from '#base/clock.ts';
import { parseSigningRequest, type SigningRequest } from '#api/certificates/signing-request.ts';
import { deepEqual } from '#api/equal.ts';
import type { CertificateSigningRequest as Csr, CertificateSigningRequestCondition } from '#api/generated/types.ts';
import type { UserInfo } from '#api/request.ts';
import { certificateSigningRequests } from '#api/resource.ts';
import { forbiddenStatus } from '#api/status.ts';
import type { ServerContext } from '../context.ts';
import { StatusError } from '../status-error.ts';

const CLIENT_SIGNER = 'kubernetes.io/kube-apiserver-client';

/** A request is that of the user who makes it, and nobody gets to be everybody by a certificate. */
export function admitRequest(csr: Csr, user: UserInfo): Csr {
  const { request, signerName, usages, expirationSeconds } = csr.spec;
  const groups = signerName === CLIENT_SIGNER ? organizationsOf(request ?? '') : [];
  if (groups.includes('system:masters')) {
    throw refused(csr, `use of ${CLIENT_SIGNER} signer with system:masters group is not allowed`);
  }
  const { username, uid, extra } = user;
  const isExtra = extra !== undefined && Object.keys(extra).length > 0;
  return {
    ...csr,
    spec: {
      request,
      signerName,
      expirationSeconds,
      usages,
      username,
      ...(uid === undefined ? {} : { uid }),
      groups: user.groups,
      ...(isExtra ? { extra } : {}),
    },
  };
}

/** A request that cannot be read is refused by validation. */
function organizationsOf(request: string): readonly string[] {
  let parsed: SigningRequest;
  try {
    parsed = parseSigningRequest(request);
  } catch {
    return [];
  }
  return parsed.organizations;
}

/** Whether the user may approve or sign for the signer that the request names. @throws {StatusError} 403 */
export function admitDecision(
  server: Pick<ServerContext, 'authorizer'>,
  user: UserInfo,
  part: 'approval' | 'status',
  csr: Csr,
  old: Csr,
): void {
  const { signerName } = old.spec;
  const isUntouched =
    csr.status?.certificate === old.status?.certificate && deepEqual(csr.status?.conditions, old.status?.conditions);
  if (part === 'status' && isUntouched) return;
  const verb = part === 'approval' ? 'approve' : 'sign';
  const may = (name: string): boolean => {
    const { group } = certificateSigningRequests;
    const about = { kind: 'resource', verb, group, version: '*', resource: 'signers', name } as const;
    return server.authorizer.authorize(user, { ...about, subresource: undefined, namespace: undefined }).allowed;
  };
  if (may(signerName) || may(`${signerName.split('/')[0] ?? ''}/*`)) return;
  throw refused(old, `user not permitted to ${verb} requests with signerName ${JSON.stringify(signerName)}`);
}

/** Conditions say when they came to be. */
export function stampConditions(csr: Csr, old: Csr, now: number): Csr {
  if (csr.status?.conditions === undefined) return csr;
  const time = rfc3339(now);
  const conditions = csr.status.conditions.map((condition): CertificateSigningRequestCondition => {
    const before = old.status?.conditions?.find(
      ({ type, status, lastTransitionTime }) =>
        type === condition.type && status === condition.status && lastTransitionTime !== undefined,
    );
    return {
      ...condition,
      lastUpdateTime: condition.lastUpdateTime ?? time,
      lastTransitionTime: condition.lastTransitionTime ?? before?.lastTransitionTime ?? time,
    };
  });
  return { ...csr, status: { ...csr.status, conditions } };
}

function refused({ metadata }: Csr, why: string): StatusError {
  return new StatusError(forbiddenStatus(certificateSigningRequests, metadata.name ?? '', why));
}
