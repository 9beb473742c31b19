import { duplicate, type FieldError, invalid, required, unsupported } from '../field-error.ts';
import type {
  AdmissionregistrationWebhookClientConfig,
  MutatingWebhook,
  ValidatingWebhook,
} from '../generated/types.ts';
import type { KubeObject } from '../object.ts';
import { checkDns1035Label, checkDns1123Subdomain, checkPort } from '../names.ts';
import { validateSelector } from '../workload.ts';
import { validateMatchConditions } from './match-condition.ts';
import { validateRule } from './webhook-rule.ts';

/** A webhook of either kind. */
export type Webhook = ValidatingWebhook & Pick<MutatingWebhook, 'reinvocationPolicy'>;

export interface WebhookConfiguration extends KubeObject {
  readonly webhooks?: readonly Webhook[] | undefined;
}

export function withDefaults<T extends Webhook>(webhook: T): T {
  const { service } = webhook.clientConfig ?? {};
  return {
    ...webhook,
    ...(service === undefined
      ? {}
      : { clientConfig: { ...webhook.clientConfig, service: { ...service, port: service.port ?? 443 } } }),
    failurePolicy: webhook.failurePolicy ?? 'Fail',
    matchPolicy: webhook.matchPolicy ?? 'Equivalent',
    namespaceSelector: webhook.namespaceSelector ?? {},
    objectSelector: webhook.objectSelector ?? {},
    timeoutSeconds: webhook.timeoutSeconds ?? 10,
    ...(webhook.rules === undefined
      ? {}
      : { rules: webhook.rules.map((rule) => ({ ...rule, scope: rule.scope ?? '*' })) }),
  };
}

/** What is wrong with the webhooks of a configuration. */
export function validateWebhooks({ webhooks = [] }: WebhookConfiguration): FieldError[] {
  const seen = new Set<string>();
  return webhooks.flatMap((webhook, i) => {
    const field = `webhooks[${i}]`;
    const errors = [
      ...validateWebhook(webhook, field),
      ...validateVersions(webhook, `${field}.admissionReviewVersions`),
    ];
    const { name = '' } = webhook;
    if (name !== '' && seen.has(name)) errors.push(duplicate(`${field}.name`, name));
    seen.add(name);
    return errors;
  });
}

function validateWebhook(webhook: Webhook, field: string): FieldError[] {
  const {
    failurePolicy,
    matchPolicy,
    reinvocationPolicy,
    timeoutSeconds = 10,
    namespaceSelector,
    objectSelector,
  } = webhook;
  return [
    ...validateName(webhook.name ?? '', `${field}.name`),
    ...(webhook.rules ?? []).flatMap((rule, i) => validateRule(rule, `${field}.rules[${i}]`)),
    ...choice(`${field}.failurePolicy`, failurePolicy, ['Fail', 'Ignore']),
    ...choice(`${field}.matchPolicy`, matchPolicy, ['Equivalent', 'Exact']),
    ...validateSideEffects(webhook.sideEffects, `${field}.sideEffects`),
    ...(timeoutSeconds > 30 || timeoutSeconds < 1
      ? [invalid(`${field}.timeoutSeconds`, timeoutSeconds, 'the timeout value must be between 1 and 30 seconds')]
      : []),
    ...(namespaceSelector === undefined ? [] : validateSelector(namespaceSelector, `${field}.namespaceSelector`)),
    ...(objectSelector === undefined ? [] : validateSelector(objectSelector, `${field}.objectSelector`)),
    ...choice(`${field}.reinvocationPolicy`, reinvocationPolicy, ['IfNeeded', 'Never']),
    ...validateClient(webhook.clientConfig ?? {}, `${field}.clientConfig`),
    ...validateMatchConditions(webhook.matchConditions ?? [], `${field}.matchConditions`),
  ];
}

function choice(field: string, value: string | undefined, allowed: readonly string[]): FieldError[] {
  return value === undefined || allowed.includes(value) ? [] : [unsupported(field, value, allowed)];
}

function validateName(name: string, field: string): FieldError[] {
  if (name === '') return [required(field)];
  const problems = checkDns1123Subdomain(name);
  if (problems.length > 0) return [invalid(field, name, problems.join(','))];
  if (name.split('.').length >= 3) return [];
  return [invalid(field, name, 'should be a domain with at least three segments separated by dots')];
}

const SIDE_EFFECTS = ['None', 'NoneOnDryRun'];

function validateSideEffects(sideEffects: string | undefined, field: string): FieldError[] {
  if (sideEffects === undefined) return [required(field, `must specify one of ${SIDE_EFFECTS.join(', ')}`)];
  return choice(field, sideEffects, SIDE_EFFECTS);
}

const REVIEW_VERSIONS = ['v1', 'v1beta1'];

function validateVersions({ admissionReviewVersions: versions = [] }: Webhook, field: string): FieldError[] {
  if (versions.length === 0) return [required(field, `must specify one of ${REVIEW_VERSIONS.join(', ')}`)];
  const errors = versions.flatMap((version, i) => {
    if (versions.indexOf(version) < i) return [invalid(`${field}[${i}]`, version, 'duplicate version')];
    return checkDns1035Label(version).map((why) => invalid(`${field}[${i}]`, version, why));
  });
  if (versions.some((version) => REVIEW_VERSIONS.includes(version))) return errors;
  return [...errors, invalid(field, versions, `must include at least one of ${REVIEW_VERSIONS.join(', ')}`)];
}

type ClientConfig = Partial<AdmissionregistrationWebhookClientConfig>;

function validateClient({ url, service }: ClientConfig, field: string): FieldError[] {
  if ((url === undefined) === (service === undefined)) {
    return [required(field, 'exactly one of url or service is required')];
  }
  if (url !== undefined) return validateUrl(url, `${field}.url`);
  const { name = '', namespace = '', path = '', port = 443 } = service ?? {};
  return [
    // Upstream's function takes the two in the other order.
    ...(namespace === '' ? [required(`${field}.service.name`)] : []),
    ...(name === '' ? [required(`${field}.service.namespace`)] : []),
    ...checkPort(port).map((why) => invalid(`${field}.service.port`, port, `port is not valid: ${why}`)),
    ...validatePath(path, `${field}.service.path`),
  ];
}

const FORM = '; desired format: https://host[/path]';

function validateUrl(text: string, field: string): FieldError[] {
  const [, scheme = '', authority = '', rest = ''] =
    /^(?:([A-Za-z][A-Za-z0-9+.-]*):)?(?:\/\/([^/?#]*))?(.*)$/s.exec(text) ?? [];
  const errors: FieldError[] = [];
  const at = authority.lastIndexOf('@');
  const fragment = /#(.+)$/s.exec(rest)?.[1] ?? '';
  const query = /\?([^#]+)/s.exec(rest)?.[1] ?? '';
  if (scheme.toLowerCase() !== 'https') {
    errors.push(invalid(field, scheme.toLowerCase(), `'https' is the only allowed URL scheme${FORM}`));
  }
  if (authority.slice(at + 1) === '') errors.push(invalid(field, '', `host must be specified${FORM}`));
  if (at >= 0) errors.push(invalid(field, authority.slice(0, at), 'user information is not permitted in the URL'));
  if (fragment !== '') errors.push(invalid(field, fragment, 'fragments are not permitted in the URL'));
  if (query !== '') errors.push(invalid(field, query, 'query parameters are not permitted in the URL'));
  return errors;
}

function validatePath(path: string, field: string): FieldError[] {
  if (path === '' || path === '/') return [];
  if (path === '//') return [invalid(field, path, 'segment[0] may not be empty')];
  const errors = path.startsWith('/') ? [] : [invalid(field, path, "must start with a '/'")];
  const steps = path.slice(1).replace(/\/$/, '').split('/');
  return [
    ...errors,
    ...steps.flatMap((step, i) => {
      if (step === '') return [invalid(field, path, `segment[${i}] may not be empty`)];
      return checkDns1123Subdomain(step).map((why) => invalid(field, path, `segment[${i}]: ${why}`));
    }),
  ];
}
