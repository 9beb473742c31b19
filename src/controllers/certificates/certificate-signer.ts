import { parseSigningRequest } from '#api/certificates/signing-request.ts';
import type { CertificateSigningRequest, CertificateSigningRequestCondition } from '#api/generated/types.ts';
import { certificateSigningRequests } from '#api/resource.ts';
import { rfc3339 } from '#base/clock.ts';
import { type ControllerContext, createControllerQueue, ignoreNotFound } from '../controller-context.ts';
import { type Authority, issueCertificate } from './issue-certificate.ts';
import { isOwnSigner, signerProblem } from './signer-rules.ts';

/** Signs what was approved for one of the cluster's own signers, or says why not. */
export function startCertificateSigner(context: ControllerContext, authority: Authority): void {
  const { client, clock, informers } = context;
  const requests = informers.for(certificateSigningRequests);
  const queue = createControllerQueue(context, { name: 'certificate-signer', waitFor: [requests] }, async (name) => {
    const csr = requests.get(name);
    if (csr === undefined || !isToBeSigned(csr)) return;
    const status = await signed(csr);
    await ignoreNotFound(client.update(certificateSigningRequests, { ...csr, status }, { subresource: 'status' }));
  });
  const signed = async ({ spec, status }: CertificateSigningRequest): Promise<CertificateSigningRequest['status']> => {
    const usages = spec.usages ?? [];
    const request = parseSigningRequest(spec.request);
    const problem = signerProblem(spec.signerName, request, usages);
    if (problem !== undefined) return { ...status, conditions: [...(status.conditions ?? []), failed(problem)] };
    const given = { request: request.der, usages, seconds: spec.expirationSeconds, now: clock.now() };
    const pem = await issueCertificate(authority, given);
    return { ...status, certificate: Buffer.from(pem).toString('base64') };
  };
  const failed = (message: string): CertificateSigningRequestCondition => ({
    type: 'Failed',
    status: 'True',
    reason: 'SignerValidationFailure',
    message,
    lastUpdateTime: rfc3339(clock.now()),
  });
  const changed = (csr: CertificateSigningRequest): void => {
    if (isToBeSigned(csr)) queue.add(csr.metadata.name);
  };
  requests.on({ added: changed, updated: changed });
}

function isToBeSigned({ spec, status }: CertificateSigningRequest): boolean {
  const has = (type: string): boolean =>
    (status.conditions ?? []).some((condition) => condition.type === type && condition.status === 'True');
  if (!isOwnSigner(spec.signerName) || (status.certificate ?? '') !== '') return false;
  return has('Approved') && !has('Denied') && !has('Failed');
}
