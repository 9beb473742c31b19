import { randomUUID } from 'node:crypto';
import { errorMessage } from '#base/errors.ts';
import { evaluateConditions } from '#api/admission/match-condition.ts';
import type { Webhook, WebhookConfiguration } from '#api/admission/webhook.ts';
import { matchesRule } from '#api/admission/webhook-rule.ts';
import { deepEqual } from '#api/equal.ts';
import type { KindDefinition } from '#api/kind.ts';
import type { KubeObject } from '#api/object.ts';
import { applyJsonPatch } from '#api/patch/json-patch.ts';
import { mutatingWebhookConfigurations, type Resource, validatingWebhookConfigurations } from '#api/resource.ts';
import { forbiddenStatus, internalError } from '#api/status.ts';
import { checkObject, identityOf } from '../../body.ts';
import type { ServerContext } from '../../context.ts';
import { StatusError } from '../../status-error.ts';
import { validateByPolicies } from '../policy/policy-admission.ts';
import {
  admissionReview,
  denial,
  isExempt,
  readVerdict,
  requestFacts,
  reviewVersion,
  type Verdict,
} from './admission-review.ts';
import { matchesNamespace, matchesObject } from './selectors.ts';
import { addWarnings } from './warnings.ts';
import { callWebhook } from './webhook-call-socket.ts';
import { equivalentKinds, shownAs, type Write } from './write.ts';

/** Whether it is worth showing an object to mutating webhooks: mostly there are none. */
export function hasMutatingWebhooks(server: ServerContext): boolean {
  return server.storage.cache(mutatingWebhookConfigurations).size > 0;
}

/** What the mutating webhooks make of an object. One may be asked again when another has changed something after it. */
export async function mutateByWebhooks(write: Write): Promise<KubeObject | undefined> {
  const webhooks = webhooksOf(write, mutatingWebhookConfigurations);
  let { object } = write;
  /** What those that may be asked again have seen last. */
  const seen = new Map<Webhook, KubeObject | undefined>();
  for (const webhook of webhooks) {
    object = await mutate({ ...write, object }, webhook);
    if (webhook.reinvocationPolicy === 'IfNeeded') seen.set(webhook, object);
  }
  const final = object;
  for (const [webhook, last] of seen) {
    if (!deepEqual(last, final) || !deepEqual(last, object)) object = await mutate({ ...write, object }, webhook);
  }
  return object;
}

/** Asks the policies, then all validating webhooks at once. @throws {StatusError} of the first that refuses */
export async function validateWrite(write: Write): Promise<void> {
  validateByPolicies(write);
  const asked = webhooksOf(write, validatingWebhookConfigurations).map((webhook) => ask(write, webhook, false));
  const failed = (await Promise.allSettled(asked)).find((outcome) => outcome.status === 'rejected');
  if (failed !== undefined) throw failed.reason;
}

/** In the order of the names of their configurations. */
function webhooksOf({ server, kind }: Write, resource: Resource): readonly Webhook[] {
  const cache = server.storage.cache(resource);
  if (cache.size === 0 || isExempt(kind)) return [];
  return Array.from(cache.list(), ({ object }) => object as WebhookConfiguration)
    .toSorted((a, b) => (a.metadata.name < b.metadata.name ? -1 : 1))
    .flatMap(({ webhooks = [] }) => webhooks);
}

async function mutate(write: Write, webhook: Webhook): Promise<KubeObject | undefined> {
  const asked = await ask(write, webhook, true);
  if (asked === undefined || asked.verdict.patch.length === 0) return write.object;
  if (write.object === undefined) {
    const why = `admission webhook ${JSON.stringify(webhook.name)} attempted to modify the object`;
    throw new StatusError(internalError(`${why}, which is not supported for this operation`));
  }
  return patched(write.object, write, asked);
}

interface Asked {
  readonly kind: KindDefinition;
  readonly verdict: Verdict;
}

const refuse = (why: string): StatusError => new StatusError(internalError(why));

function patched(object: KubeObject, { kind }: Write, asked: Asked): KubeObject {
  try {
    const changed = applyJsonPatch(shownAs(object, kind, asked.kind), asked.verdict.patch) as KubeObject;
    const back = shownAs(changed, asked.kind, kind) ?? changed;
    return kind.defaults(checkObject({ value: back, duplicates: [] }, identityOf(kind), 'Ignore', refuse).object);
  } catch (error) {
    if (error instanceof StatusError) throw error;
    throw refuse(errorMessage(error));
  }
}

/** Undefined when the webhook is not concerned, or could not be asked and that does not matter. */
async function ask(write: Write, webhook: Webhook, mutating: boolean): Promise<Asked | undefined> {
  const kind = concernedKind(write, webhook);
  if (kind === undefined) return undefined;
  const uid = randomUUID();
  if (!conditionsHold(write, webhook, kind, uid)) return undefined;
  const version = reviewVersion(webhook.admissionReviewVersions);
  let verdict: Verdict;
  try {
    const answer = await callWebhook(write.server, webhook, admissionReview(write, kind, uid, version));
    verdict = readVerdict(answer, { uid, version, mutating });
  } catch (error) {
    const why = `failed calling webhook ${JSON.stringify(webhook.name)}: ${errorMessage(error)}`;
    if (webhook.failurePolicy !== 'Ignore') throw new StatusError(internalError(why));
    write.server.log.warn('a webhook could not be asked, going on without it', { error: why });
    return undefined;
  }
  addWarnings(write.request, verdict.warnings);
  if (!verdict.allowed) throw new StatusError(denial(webhook.name, verdict.result));
  return { kind, verdict };
}

/** As which kind the webhook wants to see the object; undefined when it does not. */
function concernedKind(write: Write, webhook: Webhook): KindDefinition | undefined {
  const { operation, subresource } = write;
  const { rules = [], matchPolicy } = webhook;
  const kinds = matchPolicy === 'Exact' ? [write.kind] : equivalentKinds(write);
  const found = kinds.find(({ resource: { group, version, plural, namespaced } }) =>
    rules.some((rule) => matchesRule(rule, { operation, group, version, plural, subresource, namespaced })),
  );
  if (found === undefined || !matchesObject(write, webhook.objectSelector)) return undefined;
  return matchesNamespace(write, webhook.namespaceSelector) ? found : undefined;
}

function conditionsHold(write: Write, webhook: Webhook, kind: KindDefinition, uid: string): boolean {
  const { matchConditions = [], failurePolicy } = webhook;
  if (matchConditions.length === 0) return true;
  const verdict = evaluateConditions(matchConditions, {
    object: shownAs(write.object, write.kind, kind),
    oldObject: shownAs(write.old, write.kind, kind),
    request: requestFacts(write, kind, uid),
  });
  if (verdict.kind !== 'failed') return verdict.kind === 'matches';
  if (failurePolicy === 'Ignore') return false;
  throw new StatusError(forbiddenStatus(write.kind.resource, write.name, verdict.why));
}
