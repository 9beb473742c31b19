import { rfc3339 } from '#base/clock.ts';
import { type FieldError, invalid, invalidStatus } from '#api/field-error.ts';
import type {
  PolicyRule,
  SelfSubjectAccessReviewSpec,
  SubjectAccessReviewSpec,
  SubjectAccessReviewStatus,
  SubjectRulesReviewStatus,
  TokenReview,
} from '#api/generated/types.ts';
import type { KubeObject } from '#api/object.ts';
import type { ApiRequest, ApiResponse, UserInfo } from '#api/request.ts';
import { badRequest } from '#api/status.ts';
import type { Attributes } from '../auth/authorize.ts';
import { aggregated } from '../auth/rbac/rbac-authorizer.ts';
import { checkObject, decodeBody } from '../body.ts';
import type { ServerContext } from '../context.ts';
import { negotiate } from '../negotiate.ts';
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
  /** `namespace` is the one of the path, for namespaced kinds. */
  readonly answer: (server: ServerContext, user: UserInfo, review: KubeObject, namespace: string) => Answered;
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
  define(AUTHORIZATION, 'SelfSubjectAccessReview', (server, user, review) => {
    const spec = specOf<SelfSubjectAccessReviewSpec>(review);
    checkSpec(review, spec);
    return { spec, status: decide(server, user, spec) };
  }),
  define(AUTHORIZATION, 'SubjectAccessReview', (server, _user, review) => reviewSubject(server, review)),
  define(AUTHORIZATION, 'LocalSubjectAccessReview', reviewLocally, { namespaced: true }),
  define(AUTHORIZATION, 'SelfSubjectRulesReview', reviewRules),
];

export async function review(
  server: ServerContext,
  kind: ReviewKind,
  request: ApiRequest,
  namespace: string = '',
): Promise<ApiResponse> {
  // A review has no metadata to be shown by.
  negotiate(request.accept, {});
  const { fieldValidation } = parseWriteOptions(request.query, 'CreateOptions');
  const identity = { apiVersion: `${kind.group}/${kind.version}`, kind: kind.kind, model: kind.model };
  const checked = checkObject(await decodeBody(request, kind.kind), identity, fieldValidation);
  const answered = kind.answer(server, request.user, checked.object, namespace);
  const metadata = {
    ...(kind.namespaced ? { namespace } : {}),
    creationTimestamp: rfc3339(server.clock.now()),
  };
  const body = { kind: kind.kind, apiVersion: identity.apiVersion, metadata, ...answered };
  return { kind: 'object', status: 201, body, warnings: checked.warnings };
}

function userInfo({ username, uid, groups, extra }: UserInfo): unknown {
  return { username, ...(uid === undefined ? {} : { uid }), groups, ...(extra === undefined ? {} : { extra }) };
}

function reviewToken(server: ServerContext, { spec }: TokenReview): Answered {
  const token = spec?.token ?? '';
  if (token === '') throw new StatusError(badRequest('token is required for TokenReview in authentication'));
  const audiences = spec?.audiences?.length ? spec.audiences : [server.tokens.issuer];
  for (const audience of audiences) {
    const user = server.tokens.authenticate(token, audience);
    if (user !== undefined)
      return { spec, status: { authenticated: true, user: userInfo(user), audiences: [audience] } };
  }
  return { spec, status: { user: {}, error: 'invalid bearer token' } };
}

function specOf<T extends object>(review: KubeObject): T {
  return (review as KubeObject & { readonly spec?: T }).spec ?? ({} as T);
}

function reviewSubject(server: ServerContext, review: KubeObject): Answered {
  const spec = specOf<SubjectAccessReviewSpec>(review);
  const { user: username = '', groups = [], uid, extra } = spec;
  const nobody = username === '' && groups.length === 0;
  checkSpec(
    review,
    spec,
    nobody ? [invalid('spec.user', username, 'at least one of user or group must be specified')] : [],
  );
  const user: UserInfo = { username, uid, groups, extra };
  return { spec, status: decide(server, user, spec) };
}

function reviewLocally(server: ServerContext, _user: UserInfo, review: KubeObject, namespace: string): Answered {
  const { resourceAttributes, nonResourceAttributes } = specOf<SubjectAccessReviewSpec>(review);
  if (nonResourceAttributes !== undefined) {
    const error = invalid('spec.nonResourceAttributes', nonResourceAttributes, 'disallowed on this kind of request');
    throw new StatusError(invalidStatus({ group: AUTHORIZATION, kind: review.kind }, '', [error]));
  }
  if ((resourceAttributes?.namespace ?? '') !== namespace) {
    throw new StatusError(badRequest(`spec.resourceAttributes.namespace must match namespace: ${namespace}`));
  }
  return reviewSubject(server, review);
}

/** Asks about one thing: a resource or a path. */
function checkSpec(review: KubeObject, spec: SelfSubjectAccessReviewSpec, more: readonly FieldError[] = []): void {
  const { resourceAttributes, nonResourceAttributes } = spec;
  const errors = [...more];
  if (resourceAttributes !== undefined && nonResourceAttributes !== undefined) {
    const text = 'cannot be specified in combination with resourceAttributes';
    errors.unshift(invalid('spec.nonResourceAttributes', nonResourceAttributes, text));
  } else if (resourceAttributes === undefined && nonResourceAttributes === undefined) {
    const text = 'exactly one of nonResourceAttributes or resourceAttributes must be specified';
    errors.unshift(invalid('spec.resourceAttributes', null, text));
  }
  if (errors.length === 0) return;
  throw new StatusError(invalidStatus({ group: AUTHORIZATION, kind: review.kind }, '', errors));
}

function decide(
  { authorizer }: ServerContext,
  user: UserInfo,
  { resourceAttributes, nonResourceAttributes }: SelfSubjectAccessReviewSpec,
): SubjectAccessReviewStatus {
  const { allowed, reason } = authorizer.authorize(user, attributesOf(resourceAttributes, nonResourceAttributes));
  return { allowed, ...(reason === '' ? {} : { reason }) };
}

function attributesOf(
  of: SelfSubjectAccessReviewSpec['resourceAttributes'],
  path: SelfSubjectAccessReviewSpec['nonResourceAttributes'],
): Attributes {
  if (of === undefined) return { kind: 'path', verb: path?.verb ?? '', path: path?.path ?? '' };
  const { verb = '', group = '', version = '', resource = '', subresource, namespace, name } = of;
  return { kind: 'resource', verb, group, version, resource, subresource, namespace, name };
}

function reviewRules({ authorizer }: ServerContext, user: UserInfo, review: KubeObject): Answered {
  const spec = specOf<{ readonly namespace?: string }>(review);
  const { namespace = '' } = spec;
  if (namespace === '') throw new StatusError(badRequest('no namespace on request'));
  const { rules, problems } = authorizer.rulesFor(user, namespace);
  const isOfPaths = ({ nonResourceURLs }: PolicyRule): boolean => (nonResourceURLs ?? []).length > 0;
  const status: SubjectRulesReviewStatus = {
    resourceRules: rules.filter((rule) => !isOfPaths(rule)),
    nonResourceRules: rules.filter(isOfPaths),
    incomplete: false,
    ...(problems.length === 0 ? {} : { evaluationError: aggregated(problems) }),
  };
  return { spec, status };
}
