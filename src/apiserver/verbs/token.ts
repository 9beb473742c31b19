import { rfc3339 } from '#base/clock.ts';
import type { AuthenticationTokenRequest, BoundObjectReference } from '#api/generated/types.ts';
import type { KubeObject } from '#api/object.ts';
import type { ApiResponse } from '#api/request.ts';
import { nodes, pods, secrets } from '#api/resource.ts';
import { badRequest, conflict, notFoundStatus } from '#api/status.ts';
import { invalid, invalidStatus } from '#api/field-error.ts';
import type { Bound, TokenSubject } from '../auth/service-account-token.ts';
import { checkObject, decodeBody } from '../body.ts';
import { find, type ResourceContext } from '../context.ts';
import { StatusError } from '../status-error.ts';
import { parseWriteOptions } from '../write-options.ts';
import { existing } from './get.ts';

const IDENTITY = {
  apiVersion: 'authentication.k8s.io/v1',
  kind: 'TokenRequest',
  model: 'AuthenticationTokenRequest',
} as const;

const DEFAULT_SECONDS = 3_600;
const MIN_SECONDS = 600;
const MAX_SECONDS = 2 ** 32;

/** `serviceaccounts/x/token`: a signed token that holds as long as the account, and the Pod it is bound to, exist. */
export async function requestToken(context: ResourceContext): Promise<ApiResponse> {
  const { server, request, info } = context;
  const { fieldValidation, dryRun } = parseWriteOptions(request.query, 'CreateOptions');
  const checked = checkObject(await decodeBody(request, 'TokenRequest'), IDENTITY, fieldValidation);
  const { spec } = checked.object as AuthenticationTokenRequest;
  const account = existing(context).object;
  const seconds = spec?.expirationSeconds ?? DEFAULT_SECONDS;
  checkSeconds(account.metadata.name, seconds);
  const audiences = spec?.audiences?.length ? spec.audiences : [server.tokens.issuer];
  const subject: TokenSubject = {
    namespace: info.namespace ?? '',
    serviceAccount: boundTo(account),
    ...boundObject(context, account, spec?.boundObjectRef),
  };
  const { token, expires } = server.tokens.issue({ subject, audiences, seconds });
  const { name, namespace, creationTimestamp } = account.metadata;
  const body = {
    kind: 'TokenRequest',
    apiVersion: 'authentication.k8s.io/v1',
    metadata: { name, namespace, creationTimestamp },
    spec: { ...spec, audiences, expirationSeconds: seconds },
    status: { token: dryRun ? '' : token, expirationTimestamp: rfc3339(expires * 1_000) },
  };
  return { kind: 'object', status: 201, body };
}

function checkSeconds(name: string, seconds: number): void {
  const field = 'spec.expirationSeconds';
  const error =
    seconds < MIN_SECONDS
      ? invalid(field, seconds, 'may not specify a duration less than 10 minutes')
      : seconds > MAX_SECONDS
        ? invalid(field, seconds, 'may not specify a duration larger than 2^32 seconds')
        : undefined;
  if (error === undefined) return;
  throw new StatusError(invalidStatus({ group: 'authentication.k8s.io', kind: 'TokenRequest' }, name, [error]));
}

function boundTo({ metadata: { name, uid } }: KubeObject): Bound {
  return { name, uid };
}

function boundObject(
  { server, info }: ResourceContext,
  account: KubeObject,
  ref: BoundObjectReference | undefined,
): Partial<TokenSubject> {
  if (ref === undefined) return {};
  const { kind = '', name = '', uid = '' } = ref;
  const namespace = info.namespace ?? '';
  switch (kind) {
    case 'Pod': {
      const pod = checked(pods, name, uid, find(server, pods, `${namespace}/${name}`));
      if (pod.spec.serviceAccountName !== account.metadata.name) {
        throw new StatusError(
          badRequest(
            `cannot bind token for serviceaccount ${JSON.stringify(account.metadata.name)} to pod running with different serviceaccount name.`,
          ),
        );
      }
      const node = pod.spec.nodeName ? find(server, nodes, pod.spec.nodeName) : undefined;
      return { pod: boundTo(pod), ...(node === undefined ? {} : { node: boundTo(node) }) };
    }
    case 'Secret':
      return { secret: boundTo(checked(secrets, name, uid, find(server, secrets, `${namespace}/${name}`))) };
    case 'Node':
      return { node: boundTo(checked(nodes, name, uid, find(server, nodes, name))) };
    default:
      throw new StatusError(badRequest(`cannot bind token to object of type ${ref.apiVersion ?? ''}, Kind=${kind}`));
  }
}

function checked<T extends KubeObject>(
  resource: { readonly group: string; readonly plural: string },
  name: string,
  uid: string,
  found: T | undefined,
): T {
  if (found === undefined) throw new StatusError(notFoundStatus(resource, name));
  if (uid === '' || uid === found.metadata.uid) return found;
  const why = `the UID in the bound object reference (${uid}) does not match the UID in record. The object might have been deleted and then recreated`;
  throw new StatusError(conflict(resource, name, why));
}
