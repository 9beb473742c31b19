import { type FieldError, invalid, required, unsupported } from '../field-error.ts';
import type { RuleWithOperations } from '../generated/types.ts';

export type Operation = 'CREATE' | 'UPDATE' | 'DELETE' | 'CONNECT';

/** What a rule is compared with. */
export interface AdmissionSubject {
  readonly operation: Operation;
  readonly group: string;
  readonly version: string;
  readonly plural: string;
  /** Empty for the object itself. */
  readonly subresource: string;
  /** In a namespace; Namespaces themselves are not. */
  readonly namespaced: boolean;
}

export function matchesRule(rule: RuleWithOperations, subject: AdmissionSubject): boolean {
  const { scope = '*', operations, apiGroups, apiVersions, resources = [] } = rule;
  if (scope !== '*' && (scope === 'Namespaced') !== subject.namespaced) return false;
  return (
    names(operations, subject.operation) &&
    names(apiGroups, subject.group) &&
    names(apiVersions, subject.version) &&
    resources.some((resource) => {
      const [plural, sub = ''] = split(resource);
      return (plural === '*' || plural === subject.plural) && (sub === '*' || sub === subject.subresource);
    })
  );
}

function names(items: readonly string[] = [], wanted: string): boolean {
  return items.includes('*') || items.includes(wanted);
}

/** `pods/status` in two; a further slash belongs to the second part. */
function split(resource: string): readonly [string, string?] {
  const slash = resource.indexOf('/');
  return slash === -1 ? [resource] : [resource.slice(0, slash), resource.slice(slash + 1)];
}

const OPERATIONS = ['*', 'CONNECT', 'CREATE', 'DELETE', 'UPDATE'];
const SCOPES = ['*', 'Cluster', 'Namespaced'];

export function validateRule(rule: RuleWithOperations, field: string): FieldError[] {
  const { operations = [], apiGroups = [], apiVersions = [], resources = [], scope } = rule;
  const errors: FieldError[] = [];
  const needed = (list: readonly string[], at: string, what: string): void => {
    if (list.length === 0) errors.push(required(at));
    if (list.length > 1 && list.includes('*')) {
      errors.push(invalid(at, list, `if '*' is present, must not specify other ${what}`));
    }
  };
  needed(operations, `${field}.operations`, 'operations');
  for (const [i, operation] of operations.entries()) {
    if (!OPERATIONS.includes(operation)) errors.push(unsupported(`${field}.operations[${i}]`, operation, OPERATIONS));
  }
  needed(apiGroups, `${field}.apiGroups`, 'API groups');
  needed(apiVersions, `${field}.apiVersions`, 'API versions');
  for (const [i, version] of apiVersions.entries()) {
    if (version === '') errors.push(required(`${field}.apiVersions[${i}]`));
  }
  errors.push(...validateResources(resources, `${field}.resources`));
  if (scope !== undefined && !SCOPES.includes(scope)) errors.push(unsupported(`${field}.scope`, scope, SCOPES));
  return errors;
}

function validateResources(resources: readonly string[], field: string): FieldError[] {
  if (resources.length === 0) return [required(field)];
  const errors: FieldError[] = [];
  const wholes = new Set<string>();
  const subs = new Set<string>();
  for (const [i, resource] of resources.entries()) {
    const at = `${field}[${i}]`;
    const [plural, sub] = split(resource);
    if (resource === '') errors.push(required(at));
    if (sub === undefined) continue;
    if (wholes.has(plural)) {
      errors.push(invalid(at, resource, `if '${plural}/*' is present, must not specify ${resource}`));
    }
    if (subs.has(sub)) errors.push(invalid(at, resource, `if '*/${sub}' is present, must not specify ${resource}`));
    if (sub === '*') wholes.add(plural);
    if (plural === '*') subs.add(sub);
  }
  if (resources.length > 1 && resources.includes('*/*')) {
    errors.push(invalid(field, resources, "if '*/*' is present, must not specify other resources"));
  }
  // As upstream has it, the last one without a slash decides.
  const last = resources.findLast((resource) => resource !== '' && !resource.includes('/'));
  if (resources.includes('*') && last !== undefined && last !== '*') {
    const why = "if '*' is present, must not specify other resources without subresources";
    errors.push(invalid(field, resources, why));
  }
  return errors;
}
