import { rfc3339 } from '#base/clock.ts';
import {
  type SelfSubjectAccessReviewSpec,
  type SubjectAccessReviewSpec,
  type SubjectAccessReviewStatus,
  type TokenReview,
} from '#api/generated/types.ts';
import { type KubeObject } from '#api/object.ts';
import { type ApiRequest, type ApiResponse, type UserInfo } from '#api/request.ts';
import { badRequest } from '#api/status.ts';
import { authorize, type Attributes } from '../auth/authorize.ts';
import { checkObject, decodeBody } from '../body.ts';
import { type ServerContext } from '../context.ts';
import { StatusError } from '../status-error.ts';
import { parseWriteOptions } from '../write-options.ts';

/** A kind that is asked and answered in one POST, and stored nowhere. */
export interface ReviewKind {
  readonly group: string;
  readonly version: string;
  readonly plural: string;
  readonly singular: string;
  readonly kind: string;
  readonly model: string;
  readonly namespaced: boolean;
  readonly answer: (server: ServerContext, user: UserInfo, review: KubeObject) => Answered;
}

interface Answered {
  readonly spec?: unknown;
  readonly status: unknown;
}

function define(
  group: string,
  kind: string,
  answer: ReviewKind['answer'],
  options: { readonly model?: string; readonly namespaced?: boolean } = {},
): ReviewKind {
  const singular = kind.toLowerCase();
  const { model = kind, namespaced = false } = options;
  return { group, version: 'v1', plural: `${singular}s`, singular, kind, model, namespaced, answer };
}

const AUTHENTICATION = 'authentication.k8s.io';
const AUTHORIZATION = 'authorization.k8s.io';

export const reviewKinds: readonly ReviewKind[] = [
  define(AUTHENTICATION, 'SelfSubjectReview', (_server, user) => ({ status: { userInfo: userInfo(user) } })),
  define(AUTHENTICATION, 'TokenReview', (server, _user, review) => reviewToken(server, review as TokenReview)),
  define(AUTHORIZATION, 'SelfSubjectAccessReview', (_server, user, review) => {
    const { spec } = review as KubeObject & { readonly spec: SelfSubjectAccessReviewSpec };
    return { spec, status: decide(user, spec) };
  }),
  define(AUTHORIZATION, 'SubjectAccessReview', reviewSubject),
  define(AUTHORIZATION, 'LocalSubjectAccessReview', reviewSubject, { namespaced: true }),
  define(AUTHORIZATION, 'SelfSubjectRulesReview', (_server, _user, review) => ({
    spec: (review as KubeObject & { readonly spec?: unknown }).spec,
    status: EVERYTHING,
  })),
];

export async function review(server: ServerContext, kind: ReviewKind, request: ApiRequest): Promise<ApiResponse> {
  const { fieldValidation } = parseWriteOptions(request.query, 'CreateOptions');
  const identity = { apiVersion: `${kind.group}/${kind.version}`, kind: kind.kind, model: kind.model };
  const checked = checkObject(await decodeBody(request, kind.kind), identity, fieldValidation);
  const answered = kind.answer(server, request.user, checked.object);
  const metadata = { creationTimestamp: rfc3339(server.clock.now()) };
  const body = { kind: kind.kind, apiVersion: identity.apiVersion, metadata, ...answered };
  return { kind: 'object', status: 201, body, warnings: checked.warnings };
}

function userInfo({ username, uid, groups, extra }: UserInfo): unknown {
  return { username, ...(uid === undefined ? {} : { uid }), groups, ...(extra === undefined ? {} : { extra }) };
}

function reviewToken(server: ServerContext, { spec }: TokenReview): Answered {
  const token = spec?.token ?? '';
  const audiences = spec?.audiences?.length ? spec.audiences : [server.tokens.issuer];
  for (const audience of audiences) {
    const user = server.tokens.authenticate(token, audience);
    if (user !== undefined)
      return { spec, status: { authenticated: true, user: userInfo(user), audiences: [audience] } };
  }
  return { spec, status: { user: {}, error: 'invalid bearer token' } };
}

function reviewSubject(_server: ServerContext, _user: UserInfo, review: KubeObject): Answered {
  const { spec } = review as KubeObject & { readonly spec: SubjectAccessReviewSpec };
  const user: UserInfo = { username: spec?.user ?? '', groups: spec?.groups ?? [] };
  return { spec, status: decide(user, spec ?? {}) };
}

function decide(user: UserInfo, spec: SelfSubjectAccessReviewSpec): SubjectAccessReviewStatus {
  const { resourceAttributes, nonResourceAttributes } = spec;
  let attributes: Attributes;
  if (resourceAttributes !== undefined) {
    const { verb = '', group = '', version = '', resource = '', subresource, namespace, name } = resourceAttributes;
    attributes = { kind: 'resource', verb, group, version, resource, subresource, namespace, name };
  } else if (nonResourceAttributes !== undefined) {
    const { verb = '', path = '' } = nonResourceAttributes;
    attributes = { kind: 'path', verb, path };
  } else {
    throw new StatusError(badRequest('exactly one of nonResourceAttributes or resourceAttributes must be specified'));
  }
  const { allowed, reason } = authorize(user, attributes);
  return { allowed, ...(reason === '' ? {} : { reason }) };
}

/** What everybody who is logged in may do for now. */
const EVERYTHING = {
  incomplete: false,
  nonResourceRules: [{ verbs: ['*'], nonResourceURLs: ['*'] }],
  resourceRules: [{ verbs: ['*'], apiGroups: ['*'], resources: ['*'] }],
};
