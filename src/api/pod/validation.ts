import { type FieldError, forbidden, invalid, required } from '../field-error.ts';
import type * as t from '../generated/types.ts';
import { validateAnnotations, validateLabels, validateUnique } from '../meta-validation.ts';
import { checkDns1123Label, checkDns1123Subdomain, checkUnderscoreSubdomain } from '../names.ts';
import { checkIp, invalidAll, validateChoice } from '../validation.ts';
import {
  validateContainer,
  validateContainerLife,
  validateInitContainer,
  validateUniqueNames,
} from './container-validation.ts';
import { validateNoEphemeral, validatePlacement } from './placement-validation.ts';
import { validateSysctls } from './sysctl-validation.ts';
import { validateVolumes } from './volume-validation.ts';

const MAX_INT32 = 2 ** 31 - 1;
const DNS_POLICIES = ['ClusterFirstWithHostNet', 'ClusterFirst', 'Default', 'None'];

function validateContainers(spec: t.PodSpec, at: string): FieldError[] {
  const volumes = new Set((spec.volumes ?? []).map((volume) => volume.name));
  const containers = spec.containers ?? [];
  const inits = spec.initContainers ?? [];
  const errors: FieldError[] = containers.length === 0 ? [required(`${at}.containers`)] : [];
  for (const [i, container] of containers.entries()) {
    const field = `${at}.containers[${i}]`;
    errors.push(...validateContainer(container, volumes, field), ...validateContainerLife(container, field));
  }
  errors.push(...validateUniqueNames(containers, `${at}.containers`));
  for (const [i, container] of inits.entries()) {
    const field = `${at}.initContainers[${i}]`;
    errors.push(...validateContainer(container, volumes, field), ...validateInitContainer(container, field));
  }
  // Init containers share their names with the others: the list of both, told as errors of the former.
  const all = [...containers, ...inits];
  const shared = validateUnique(
    all,
    (i) => `${at}.initContainers[${i - containers.length}].name`,
    ({ name }) => name,
  );
  return [...errors, ...shared.filter((error) => !error.field.includes('[-'))];
}

function validateHostNetwork(spec: t.PodSpec, at: string): FieldError[] {
  if (spec.hostNetwork !== true) return [];
  const text = 'must match `hostPort` when `hostNetwork` is true';
  return (spec.containers ?? []).flatMap((container, i) =>
    (container.ports ?? []).flatMap(({ containerPort, hostPort }, j) =>
      hostPort === undefined || hostPort === containerPort
        ? []
        : [invalid(`${at}.containers[${i}].ports[${j}].containerPort`, containerPort, text)],
    ),
  );
}

const MAX_NAMESERVERS = 3;
const MAX_SEARCHES = 32;
const MAX_SEARCH_CHARACTERS = 2048;

function validateSearches(searches: readonly string[], at: string): FieldError[] {
  const errors: FieldError[] = [];
  if (searches.length > MAX_SEARCHES) {
    errors.push(invalid(at, searches, `must not have more than ${MAX_SEARCHES} search paths`));
  }
  if (searches.join(' ').length > MAX_SEARCH_CHARACTERS) {
    const text = `must not have more than ${MAX_SEARCH_CHARACTERS} characters (including spaces) in the search list`;
    errors.push(invalid(at, searches, text));
  }
  searches.forEach((search, i) => {
    if (search === '.') return;
    const name = search.replace(/\.$/, '');
    errors.push(...invalidAll(`${at}[${i}]`, name, checkUnderscoreSubdomain(name)));
  });
  return errors;
}

function validateDns(spec: t.PodSpec, at: string): FieldError[] {
  const errors = validateChoice(`${at}.dnsPolicy`, spec.dnsPolicy, DNS_POLICIES);
  const { nameservers = [], searches = [], options = [] } = spec.dnsConfig ?? {};
  const config = `${at}.dnsConfig`;
  if (spec.dnsPolicy === 'None' && nameservers.length === 0) {
    const text = 'must provide at least one DNS nameserver when `dnsPolicy` is None';
    errors.push(
      required(
        spec.dnsConfig === undefined ? config : `${config}.nameservers`,
        spec.dnsConfig === undefined ? 'must provide `dnsConfig` when `dnsPolicy` is None' : text,
      ),
    );
  }
  if (nameservers.length > MAX_NAMESERVERS) {
    const text = `must not have more than ${MAX_NAMESERVERS} nameservers`;
    errors.push(invalid(`${config}.nameservers`, nameservers, text));
  }
  nameservers.forEach((ip, i) => errors.push(...checkIp(`${config}.nameservers[${i}]`, ip)));
  errors.push(...validateSearches(searches, `${config}.searches`));
  options.forEach(({ name = '' }, i) => {
    if (name === '') errors.push(required(`${config}.options[${i}]`, 'must not be empty'));
  });
  return errors;
}

export function validateTolerations(tolerations: readonly t.Toleration[] | undefined, at: string): FieldError[] {
  return (tolerations ?? []).flatMap(({ key = '', operator = '', value = '', effect = '' }, i) => {
    const field = `${at}.tolerations[${i}]`;
    const errors: FieldError[] = [];
    if (key === '' && operator !== 'Exists') {
      const text = 'operator must be Exists when `key` is empty, which means "match all values and all keys"';
      errors.push(invalid(`${field}.operator`, operator, text));
    }
    if (operator === 'Exists' && value !== '') {
      errors.push(
        invalid(
          `${field}.operator`,
          { key, operator, value, effect },
          "value must be empty when `operator` is 'Exists'",
        ),
      );
    } else {
      errors.push(...validateChoice(`${field}.operator`, operator || 'Equal', ['Equal', 'Exists']));
    }
    const effects = ['NoSchedule', 'PreferNoSchedule', 'NoExecute'];
    return effect === '' ? errors : [...errors, ...validateChoice(`${field}.effect`, effect, effects)];
  });
}

function validateNames(spec: t.PodSpec, at: string): FieldError[] {
  const labels = { hostname: spec.hostname, subdomain: spec.subdomain };
  const subdomains = { serviceAccountName: spec.serviceAccountName, nodeName: spec.nodeName };
  const errors: FieldError[] = [];
  for (const [key, value = ''] of Object.entries(subdomains)) {
    if (value !== '') errors.push(...invalidAll(`${at}.${key}`, value, checkDns1123Subdomain(value)));
  }
  for (const [key, value = ''] of Object.entries(labels)) {
    if (value !== '') errors.push(...invalidAll(`${at}.${key}`, value, checkDns1123Label(value)));
  }
  return errors;
}

function validateTimes(spec: t.PodSpec, at: string): FieldError[] {
  const { activeDeadlineSeconds: deadline } = spec;
  if (deadline === undefined || (deadline >= 1 && deadline <= MAX_INT32)) return [];
  const text = `must be between 1 and ${MAX_INT32}, inclusive`;
  return [invalid(`${at}.activeDeadlineSeconds`, deadline, text)];
}

/** A Pod that is new; later changes have rules of their own. */
export function validateNewPod(spec: t.PodSpec): FieldError[] {
  return [...validatePodSpec(spec, 'spec'), ...validateNoEphemeral(spec)];
}

/** A Pod's spec wherever it stands; `at` is `spec` or `spec.template.spec`. */
export function validatePodSpec(spec: t.PodSpec, at: string): FieldError[] {
  return [
    ...validateVolumes(spec.volumes ?? [], `${at}.volumes`),
    ...validateContainers(spec, at),
    ...validateChoice(`${at}.restartPolicy`, spec.restartPolicy, ['Always', 'OnFailure', 'Never']),
    ...validateDns(spec, at),
    ...validateLabels(spec.nodeSelector, `${at}.nodeSelector`),
    ...validateHostNetwork(spec, at),
    ...validateNames(spec, at),
    ...validateTolerations(spec.tolerations, at),
    ...validateTimes(spec, at),
    ...validatePlacement(spec, at),
    ...validateSysctls(spec.securityContext?.sysctls, `${at}.securityContext.sysctls`),
  ];
}

/** A template in a workload: its labels and its Pod's spec. */
export function validatePodTemplate(template: t.PodTemplateSpec | undefined, at: string): FieldError[] {
  const errors = [
    ...validateLabels(template?.metadata?.labels, `${at}.labels`),
    ...validateAnnotations(template?.metadata?.annotations, `${at}.annotations`),
    ...validatePodSpec(template?.spec ?? { containers: [] }, `${at}.spec`),
  ];
  if ((template?.spec?.ephemeralContainers ?? []).length === 0) return errors;
  return [...errors, forbidden(`${at}.spec.ephemeralContainers`, 'ephemeral containers not allowed in pod template')];
}
