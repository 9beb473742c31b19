import { parseIp } from '#base/ip.ts';
import { age, ageColumn, column, nameColumn, orNone } from '../columns.ts';
import { defineKind } from '../define-kind.ts';
import { type FieldError, invalid, required, unsupported } from '../field-error.ts';
import type * as t from '../generated/types.ts';
import type { KindDefinition } from '../kind.ts';
import { checkDns1123Subdomain, checkWildcardSubdomain } from '../names.ts';
import { ingresses } from '../resource.ts';
import { ingressAddresses } from '../service/print.ts';
import { invalidAll } from '../validation.ts';

const PATH_TYPES = ['Exact', 'ImplementationSpecific', 'Prefix'];

function hostsCell(rules: readonly t.IngressRule[]): string {
  const hosts = rules.map(({ host }) => host ?? '').filter((host) => host !== '');
  if (hosts.length === 0) return '*';
  const shown = hosts.slice(0, 3).join(',');
  return hosts.length >= 3 && rules.length > 3 ? `${shown} + ${rules.length - 3} more...` : shown;
}

function validateBackend(backend: t.IngressBackend | undefined, at: string): FieldError[] {
  const { service, resource } = backend ?? {};
  if (service === undefined && resource === undefined)
    return [invalid(at, '', 'resource or service backend is required')];
  if (service === undefined) return [];
  const errors = (service.name ?? '') === '' ? [required(`${at}.service.name`)] : [];
  const { name = '', number = 0 } = service.port ?? {};
  if (name === '' && number === 0) errors.push(required(`${at}.service.port`, 'port name or number is required'));
  return errors;
}

function validatePath(path: t.HTTPIngressPath, at: string): FieldError[] {
  const errors: FieldError[] = [];
  if (path.pathType === undefined) errors.push(required(`${at}.pathType`, 'pathType must be specified'));
  else if (!PATH_TYPES.includes(path.pathType)) {
    errors.push(unsupported(`${at}.pathType`, path.pathType, PATH_TYPES));
  } else if (path.pathType !== 'ImplementationSpecific' && !(path.path ?? '').startsWith('/')) {
    errors.push(invalid(`${at}.path`, path.path ?? '', 'must be an absolute path'));
  }
  return [...errors, ...validateBackend(path.backend, `${at}.backend`)];
}

function validateRule({ host = '', http }: t.IngressRule, at: string): FieldError[] {
  const check = host.startsWith('*') ? checkWildcardSubdomain : checkDns1123Subdomain;
  const errors =
    parseIp(host) === undefined
      ? host === ''
        ? []
        : invalidAll(`${at}.host`, host, check(host))
      : [invalid(`${at}.host`, host, 'must be a DNS name, not an IP address')];
  if (http === undefined) return errors;
  if ((http.paths ?? []).length === 0) return [...errors, required(`${at}.http.paths`)];
  return [...errors, ...http.paths.flatMap((path, i) => validatePath(path, `${at}.http.paths[${i}]`))];
}

function validate({ spec }: t.Ingress): FieldError[] {
  const rules = spec.rules ?? [];
  const errors = rules.flatMap((rule, i) => validateRule(rule, `spec.rules[${i}]`));
  if (spec.defaultBackend !== undefined)
    return [...errors, ...validateBackend(spec.defaultBackend, 'spec.defaultBackend')];
  if (rules.length > 0) return errors;
  return [
    ...errors,
    invalid('spec', rules.length === 0 ? null : rules, 'either `defaultBackend` or `rules` must be specified'),
  ];
}

export const ingress: KindDefinition<t.Ingress> = defineKind(ingresses, {
  shortNames: ['ing'],
  subresources: { status: true },
  generation: true,
  initialStatus: () => ({ loadBalancer: {} }),
  columns: [
    nameColumn,
    column('Class', 'string', 'The IngressClass that implements it.'),
    column('Hosts', 'string', 'Hosts that its rules are about.'),
    column('Address', 'string', 'Where it is reached.'),
    column('Ports', 'string', 'Ports that it opens.'),
    ageColumn,
  ],
  row: (ingress, now) => [
    ingress.metadata.name,
    orNone(ingress.spec.ingressClassName),
    hostsCell(ingress.spec.rules ?? []),
    ingressAddresses(ingress.status?.loadBalancer),
    (ingress.spec.tls ?? []).length > 0 ? '80, 443' : '80',
    age(ingress, now),
  ],
  validate,
});
