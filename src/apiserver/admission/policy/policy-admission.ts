import { evaluateConditions } from '#api/admission/match-condition.ts';
import type {
  MatchResources,
  ParamRef,
  ValidatingAdmissionPolicy,
  ValidatingAdmissionPolicyBinding,
} from '#api/generated/types.ts';
import type { KindDefinition } from '#api/kind.ts';
import { matchesLabels, selectorFromObject } from '#api/label-selector.ts';
import type { KubeObject } from '#api/object.ts';
import { matchesNamedRule } from '#api/policy/match-resources.ts';
import { type PolicyInput, PolicyProgram } from '#api/policy/policy-program.ts';
import { namespaces, validatingAdmissionPolicies, validatingAdmissionPolicyBindings } from '#api/resource.ts';
import { failure, forbiddenStatus } from '#api/status.ts';
import { find } from '../../context.ts';
import { presented } from '../../presented.ts';
import { StatusError } from '../../status-error.ts';
import { isExempt, requestFacts } from '../webhook/admission-review.ts';
import { matchesNamespace, matchesObject } from '../webhook/selectors.ts';
import { addWarnings } from '../webhook/warnings.ts';
import { equivalentKinds, shownAs, type Write } from '../webhook/write.ts';

type Policy = ValidatingAdmissionPolicy;
type Binding = ValidatingAdmissionPolicyBinding;

/** Why a write is not allowed. */
interface Denial {
  readonly policy: Policy;
  /** Absent where the policy itself is at fault. */
  readonly binding?: Binding | undefined;
  readonly message: string;
  readonly reason?: string | undefined;
}

/** How things are set up, not what the write is. */
class ConfigurationError extends Error {}

/**
 * Asks the policies that are in force. Models plugin/policy/validating/dispatcher.go of v1.34.
 * @throws {StatusError} of the first that denies
 */
export function validateByPolicies(write: Write): void {
  const { storage } = write.server;
  const bindings = storage.cache(validatingAdmissionPolicyBindings);
  if (bindings.size === 0 || isExempt(write.kind)) return;
  const byPolicy = Map.groupBy(
    Array.from(bindings.list(), ({ object }) => object as Binding),
    ({ spec }) => spec.policyName,
  );
  // All of them are asked: one may have a warning to give, whatever another denies.
  const [denial] = Array.from(storage.cache(validatingAdmissionPolicies).list()).flatMap(({ object }) => {
    const policy = object as Policy;
    return denialsOf(write, policy, byPolicy.get(policy.metadata.name) ?? []);
  });
  if (denial !== undefined) throw new StatusError(denialStatus(write, denial));
}

function denialsOf(write: Write, policy: Policy, bindings: readonly Binding[]): readonly Denial[] {
  if (bindings.length === 0) return [];
  const { matchConstraints = {}, failurePolicy } = policy.spec;
  const misconfigured = (error: unknown, binding?: Binding): readonly Denial[] => {
    if (!(error instanceof ConfigurationError)) throw error;
    const what = binding === undefined ? 'policy' : 'binding';
    const message = `failed to configure ${what}: ${error.message}`;
    return failurePolicy === 'Ignore' ? [] : [{ policy, binding, message }];
  };
  const kind = matchedKind(write, matchConstraints);
  if (kind === undefined) return [];
  let params: KindDefinition | undefined;
  try {
    params = paramKindOf(write, policy);
  } catch (error) {
    return misconfigured(error);
  }
  return bindings.flatMap((binding) => {
    if (matchedKind(write, binding.spec.matchResources ?? {}) === undefined) return [];
    try {
      return paramsOf(write, params, binding.spec.paramRef).flatMap((param) =>
        refusals({ write, policy, binding, kind, param }),
      );
    } catch (error) {
      return misconfigured(error, binding);
    }
  });
}

/** As which kind the write is matched; undefined when it is not. No rules are about everything. */
function matchedKind(write: Write, match: MatchResources): KindDefinition | undefined {
  const kind = kindByRules(write, match);
  // A namespace that is not there matters to those alone whose rules are about the write.
  if (kind === undefined || !matchesObject(write, match.objectSelector)) return undefined;
  return matchesNamespace(write, match.namespaceSelector) ? kind : undefined;
}

function kindByRules(write: Write, match: MatchResources): KindDefinition | undefined {
  const { resourceRules = [], excludeResourceRules = [], matchPolicy } = match;
  const { operation, subresource, name } = write;
  const kinds = matchPolicy === 'Exact' ? [write.kind] : equivalentKinds(write);
  const byRules = (rules: typeof resourceRules): KindDefinition | undefined =>
    kinds.find(({ resource }) => matchesNamedRule(rules, { ...resource, operation, subresource }, name));
  if (byRules(excludeResourceRules) !== undefined) return undefined;
  return resourceRules.length === 0 ? write.kind : byRules(resourceRules);
}

function paramKindOf({ server }: Write, { spec }: Policy): KindDefinition | undefined {
  if (spec.paramKind === undefined) return undefined;
  const { apiVersion = '', kind = '' } = spec.paramKind;
  const slash = apiVersion.indexOf('/');
  const [group, version] = slash < 0 ? ['', apiVersion] : [apiVersion.slice(0, slash), apiVersion.slice(slash + 1)];
  const found = server.registry.byKind(group, version, kind);
  if (found !== undefined) return found;
  throw new ConfigurationError(`failed to find resource referenced by paramKind: '${group}/${version}, Kind=${kind}'`);
}

/** What the rules are run with, once each; `null` where they are run without. */
function paramsOf(
  { server, namespace }: Write,
  kind: KindDefinition | undefined,
  ref: ParamRef | undefined,
): readonly (KubeObject | null)[] {
  if (kind === undefined || ref === undefined) return [null];
  const { name = '', selector, parameterNotFoundAction } = ref;
  const prefix = paramPrefix(kind, ref, namespace);
  const cache = server.storage.cache(kind.storedAs ?? kind.resource);
  const parsed = selectorFromObject(selector ?? {});
  const stored = name === '' ? Array.from(cache.list(prefix)) : [cache.get(prefix + name)];
  const found = stored
    .flatMap((one) => (one === undefined ? [] : [presented(kind, one.object)]))
    .filter(({ metadata }) => name !== '' || matchesLabels(parsed, metadata.labels));
  if (found.length === 0 && parameterNotFoundAction === 'Deny') {
    throw new ConfigurationError('no params found for policy binding with `Deny` parameterNotFoundAction');
  }
  return found;
}

function paramPrefix({ resource }: KindDefinition, { namespace = '' }: ParamRef, ofWrite: string | undefined): string {
  if (!resource.namespaced) {
    if (namespace === '') return '';
    throw new ConfigurationError('paramRef.namespace must not be provided for a cluster-scoped `paramKind`');
  }
  const chosen = namespace === '' ? (ofWrite ?? '') : namespace;
  if (chosen !== '') return `${chosen}/`;
  throw new ConfigurationError(
    'cannot use namespaced paramRef in policy binding that matches cluster-scoped resources',
  );
}

interface Question {
  readonly write: Write;
  readonly policy: Policy;
  readonly binding: Binding;
  /** As which the object is shown. */
  readonly kind: KindDefinition;
  readonly param: KubeObject | null;
}

/** What a binding denies; where it only warns, that is said with the answer. */
function refusals(question: Question): readonly Denial[] {
  const { write, policy, binding } = question;
  const actions = binding.spec.validationActions;
  const denials: Denial[] = [];
  for (const { message, reason } of evaluated(question)) {
    if (actions.includes('Deny')) denials.push({ policy, binding, message, reason });
    if (!actions.includes('Warn')) continue;
    const names = `'${policy.metadata.name}' with binding '${binding.metadata.name}'`;
    addWarnings(write.request, [`Validation failed for ValidatingAdmissionPolicy ${names}: ${message}`]);
  }
  return denials;
}

/** Made once for what a policy says. */
const programs = new WeakMap<Policy['spec'], PolicyProgram>();

function evaluated({ write, policy, kind, param }: Question): ReturnType<PolicyProgram['refusals']> {
  const { spec } = policy;
  const failing = spec.failurePolicy === 'Ignore' ? 'Ignore' : 'Fail';
  const input = inputOf(write, kind, param);
  const conditions = spec.matchConditions ?? [];
  if (conditions.length > 0) {
    const { params, ...plain } = input;
    const verdict = evaluateConditions(conditions, spec.paramKind === undefined ? plain : { ...plain, params });
    if (verdict.kind === 'differs') return [];
    if (verdict.kind === 'failed') return failing === 'Ignore' ? [] : [{ message: verdict.why }];
  }
  let program = programs.get(spec);
  if (program === undefined) {
    program = new PolicyProgram(spec);
    programs.set(spec, program);
  }
  return program.refusals(input, failing);
}

function inputOf(write: Write, kind: KindDefinition, params: KubeObject | null): PolicyInput {
  const { server, object, old, namespace } = write;
  const isNamespace = write.kind.resource.group === '' && write.kind.resource.plural === namespaces.plural;
  const found = namespace === undefined || isNamespace ? undefined : find(server, namespaces, namespace);
  return {
    object: shownAs(object, write.kind, kind),
    oldObject: shownAs(old, write.kind, kind),
    request: requestFacts(write, kind, ''),
    namespaceObject: found === undefined ? undefined : withCapitalUid(found),
    params,
  };
}

/** As policies have it, the uid alone is written in capitals. */
function withCapitalUid({ metadata, ...rest }: KubeObject): unknown {
  return { ...rest, metadata: { ...metadata, UID: metadata.uid } };
}

const CODES: Readonly<Record<string, number>> = { Forbidden: 403, RequestEntityTooLarge: 413, Invalid: 422 };

function denialStatus({ kind, name }: Write, { policy, binding, message, reason = 'Invalid' }: Denial) {
  const by = binding === undefined ? '' : ` with binding '${binding.metadata.name}'`;
  const text = `ValidatingAdmissionPolicy '${policy.metadata.name}'${by} denied request: ${message}`;
  const { message: full = '', details } = forbiddenStatus(kind.resource, name, text);
  return failure(CODES[reason] ?? 422, full, { reason, details: { ...details, causes: [{ message: text }] } });
}
