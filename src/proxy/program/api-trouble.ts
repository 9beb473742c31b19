import { CodedError, errorCode, errorMessage } from '#base/errors.ts';
import type { Connection } from '#client/kubeconfig.ts';
import { ApiError } from '#client/client.ts';

const UNREACHABLE = new Set([
  'ECONNREFUSED',
  'ECONNRESET',
  'EHOSTUNREACH',
  'ENETUNREACH',
  'ENOTFOUND',
  'EAI_AGAIN',
  'ETIMEDOUT',
  'EPIPE',
]);

/** For people: also the proxy on the way, without what proves who we are. */
export function placeOf({ server, proxyUrl }: Connection): string {
  return proxyUrl === undefined ? server : `${server} through ${new URL(proxyUrl).host}`;
}

/** What is wrong between us and the API server, and what to do about it. */
export function apiTrouble(error: unknown, server: string): CodedError {
  if (error instanceof CodedError) return error;
  const said = errorMessage(error);
  const trouble = (code: string, message: string, hint: string): CodedError =>
    new CodedError(code, message, { hint, cause: error });
  if (error instanceof ApiError && error.code === 401) {
    return trouble('EUNAUTHORIZED', `Cannot log in at ${server}: ${said}`, 'renew the token or certificate');
  }
  if (error instanceof ApiError && error.code === 403) {
    const hint = 'bind the account to the ClusterRole system:node-proxier, as examples/proxy/proxy.yaml does';
    return trouble('EFORBIDDEN', `Cannot read the cluster: ${said}`, hint);
  }
  if (error instanceof ApiError) return trouble('EAPISERVER', `Cannot read the cluster: ${said}`, 'it is tried again');
  const code = errorCode(error) ?? '';
  if (code.startsWith('ERR_OSSL_')) {
    return trouble(
      'ECREDENTIALS',
      `Cannot log in at ${server}: ${said}`,
      'give it a client certificate and the key of that certificate',
    );
  }
  if (code === 'ENOENT' || code === 'EACCES') {
    return trouble('ECREDENTIALS', `Cannot log in at ${server}: ${said}`, 'the file is read again');
  }
  if (/CERT|SIGNATURE|TLS|SSL/.test(code)) {
    const hint = 'put the CA of the API server into the kubeconfig, and name a server that its certificate is for';
    return trouble('ECERTIFICATE', `Cannot trust ${server}: ${said}`, hint);
  }
  const hint = UNREACHABLE.has(code)
    ? 'name the address of the API server itself in the kubeconfig or with --master: its Service works only once this proxy does'
    : 'it is tried again';
  return trouble('EUNREACHABLE', `Cannot reach the API server at ${server}: ${said}`, hint);
}
