import { type FieldError, invalid, required } from '../field-error.ts';
import { checkQualifiedName } from '../names.ts';

const CONTAINER: ReadonlySet<string> = new Set(['cpu', 'memory', 'ephemeral-storage']);
const STANDARD: ReadonlySet<string> = new Set([
  ...CONTAINER,
  'pods',
  'services',
  'replicationcontrollers',
  'resourcequotas',
  'secrets',
  'configmaps',
  'persistentvolumeclaims',
  'storage',
  'requests.cpu',
  'requests.memory',
  'requests.storage',
  'requests.ephemeral-storage',
  'limits.cpu',
  'limits.memory',
  'limits.ephemeral-storage',
  'services.nodeports',
  'services.loadbalancers',
]);

/** Resources of one node in pages of a certain size. */
export function isHugePages(name: string): boolean {
  return name.startsWith('hugepages-');
}

/** Resources that somebody else defines, of which a container has whole ones for itself. */
export function isExtended(name: string): boolean {
  return name.includes('/') && !name.split('/')[0]?.endsWith('kubernetes.io') && !name.startsWith('requests.');
}

/** The name of anything that can be counted; `at` ends in `[name]`. */
export function validateResourceName(name: string, at: string): FieldError[] {
  const errors = checkQualifiedName(name).map((text) => invalid(at, name, text));
  if (errors.length > 0 || name.includes('/') || STANDARD.has(name) || isHugePages(name)) return errors;
  return [invalid(at, name, 'must be a standard resource type or fully qualified')];
}

export function validateContainerResource(name: string, at: string): FieldError[] {
  const errors = validateResourceName(name, at);
  if (name.includes('/') || CONTAINER.has(name) || isHugePages(name)) return errors;
  return [...errors, invalid(at, name, 'must be a standard resource for containers')];
}

const QUOTA: ReadonlySet<string> = new Set([...STANDARD].filter((name) => name !== 'storage'));

export function validateQuotaResource(name: string, at: string): FieldError[] {
  const errors = validateResourceName(name, at);
  if (name.includes('/') || QUOTA.has(name) || isHugePages(name) || name.startsWith('requests.hugepages-'))
    return errors;
  return [...errors, invalid(at, name, 'must be a standard resource for quota')];
}

/** What cannot be promised twice is given only to those who say how much they want at most. */
export function validateNotOvercommitted(
  limits: Readonly<Record<string, string>>,
  requests: Readonly<Record<string, string>>,
  at: string,
): FieldError[] {
  const missing = Object.keys(requests).some((name) => isExtended(name) && limits[name] === undefined);
  return missing ? [required(`${at}.limits`, 'Limit must be set for non overcommitable resources')] : [];
}

/** Things of which there is no half. */
export function isCounted(name: string): boolean {
  const wholes = ['pods', 'services', 'replicationcontrollers', 'resourcequotas', 'secrets', 'configmaps'];
  const more = ['persistentvolumeclaims', 'services.nodeports', 'services.loadbalancers'];
  return [...wholes, ...more].includes(name) || name.startsWith('count/') || isExtended(name);
}
