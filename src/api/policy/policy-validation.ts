import { validateMatchConditions } from '../admission/match-condition.ts';
import { type CelType, typeText } from '../cel/cel-type.ts';
import type { Compiled } from '../cel/program.ts';
import { duplicate, type FieldError, invalid, required, unsupported } from '../field-error.ts';
import type * as t from '../generated/types.ts';
import { checkDns1035Label, checkDns1123Subdomain, checkQualifiedName, pathSegmentName } from '../names.ts';
import { invalidAll } from '../validation.ts';
import { validateSelector } from '../workload.ts';
import { validateMatchConstraints, validateMatchResources } from './match-resources.ts';
import { PolicyPrograms } from './policy-program.ts';

const MAX_AUDIT_ANNOTATIONS = 20;
const MAX_AUDIT_BYTES = 5 * 1024;
const REASONS = ['Forbidden', 'Invalid', 'RequestEntityTooLarge'];

export function validatePolicy({ metadata, spec }: t.ValidatingAdmissionPolicy): FieldError[] {
  const { failurePolicy = '', paramKind, matchConstraints, matchConditions = [], variables = [] } = spec;
  const programs = new PolicyPrograms(spec);
  const policies = ['Fail', 'Ignore'];
  return [
    ...(policies.includes(failurePolicy) ? [] : [unsupported('spec.failurePolicy', failurePolicy, policies)]),
    ...(paramKind === undefined ? [] : validateParamKind(paramKind, 'spec.paramKind')),
    ...validateMatchConstraints(matchConstraints, 'spec.matchConstraints'),
    ...validateMatchConditions(matchConditions, 'spec.matchConditions', paramKind !== undefined),
    ...variables.flatMap((variable, i) => validateVariable(variable, programs, `spec.variables[${i}]`)),
    ...validateValidations(spec, metadata.name ?? '', programs),
  ];
}

function validateParamKind({ apiVersion = '', kind = '' }: t.ParamKind, field: string): FieldError[] {
  const errors =
    apiVersion === '' ? [required(`${field}.apiVersion`)] : validateApiVersion(apiVersion, `${field}.apiVersion`);
  if (kind === '') return [...errors, required(`${field}.kind`)];
  const wrong = checkDns1035Label(kind.toLowerCase());
  if (wrong.length === 0) return errors;
  return [
    ...errors,
    invalid(`${field}.kind`, kind, `may have mixed case, but should otherwise match: ${wrong.join(',')}`),
  ];
}

function validateApiVersion(apiVersion: string, field: string): FieldError[] {
  const parts = apiVersion.split('/');
  if (parts.length > 2) return [invalid(field, apiVersion, `unexpected GroupVersion string: ${apiVersion}`)];
  const version = parts.at(-1) ?? '';
  const group = parts.length === 2 ? (parts[0] ?? '') : '';
  const wrongGroup = group === '' ? [] : checkDns1123Subdomain(group);
  const errors = wrongGroup.length === 0 ? [] : [invalid(field, group, wrongGroup.join(','))];
  if (version === '') return [...errors, invalid(field, apiVersion, 'version must be specified')];
  const wrong = checkDns1035Label(version);
  return wrong.length === 0 ? errors : [...errors, invalid(field, version, wrong.join(','))];
}

const IDENTIFIER = /^[_a-zA-Z][_a-zA-Z0-9]*$/;
const RESERVED = new Set(
  'true false null in as break const continue else for function if import let loop package namespace return var void while'.split(
    ' ',
  ),
);

function validateVariable(
  { name = '', expression = '' }: t.Variable,
  programs: PolicyPrograms,
  at: string,
): FieldError[] {
  const errors: FieldError[] = [];
  if (name.trim() === '') errors.push(required(`${at}.name`, 'name is not specified'));
  else if (!IDENTIFIER.test(name) || RESERVED.has(name)) {
    errors.push(invalid(`${at}.name`, name, 'must be a valid CEL identifier'));
  }
  if (expression.trim() === '') return [...errors, required(`${at}.expression`, 'expression is not specified')];
  const compiled = programs.variable(name);
  return compiled === undefined ? errors : [...errors, ...compiledErrors(compiled, expression, `${at}.expression`)];
}

function compiledErrors(compiled: Compiled, expression: string, field: string): FieldError[] {
  return compiled.kind === 'ok' ? [] : [invalid(field, expression, `compilation failed: ${compiled.text}`)];
}

function expressionErrors(
  programs: PolicyPrograms,
  expression: string,
  field: string,
  wanted: readonly CelType['kind'][],
): FieldError[] {
  const compiled = programs.compile(expression);
  if (compiled.kind !== 'ok') return compiledErrors(compiled, expression, field);
  const { type } = compiled.program;
  if (wanted.includes(type.kind)) return [];
  const names = wanted.map((kind) => (kind === 'null' ? 'null_type' : kind));
  const expected = names.length === 1 ? names[0] : `one of [${names.join(' ')}]`;
  return [invalid(field, expression, `must evaluate to ${expected} but got ${typeText(type)}`)];
}

function validateValidations(
  spec: t.ValidatingAdmissionPolicySpec,
  name: string,
  programs: PolicyPrograms,
): FieldError[] {
  const { validations = [], auditAnnotations = [] } = spec;
  if (validations.length === 0 && auditAnnotations.length === 0) {
    const text = 'validations or auditAnnotations must contain at least one item';
    return [required('spec.validations', text), required('spec.auditAnnotations', text)];
  }
  const at = 'spec.auditAnnotations';
  return [
    ...validations.flatMap((validation, i) => validateValidation(validation, programs, `spec.validations[${i}]`)),
    ...(auditAnnotations.length > MAX_AUDIT_ANNOTATIONS
      ? [invalid(at, auditAnnotations, `must not have more than ${MAX_AUDIT_ANNOTATIONS} auditAnnotations`)]
      : []),
    ...auditAnnotations.flatMap((annotation, i) => {
      const errors = validateAudit(annotation, name, programs, `${at}[${i}]`);
      const isTwice = auditAnnotations.findIndex(({ key }) => key === annotation.key) < i;
      return isTwice ? [...errors, duplicate(`${at}[${i}].key`, annotation.key)] : errors;
    }),
  ];
}

function validateValidation(validation: t.Validation, programs: PolicyPrograms, at: string): FieldError[] {
  const { expression = '', message = '', messageExpression = '', reason } = validation;
  const errors =
    expression.trim() === ''
      ? [required(`${at}.expression`, 'expression is not specified')]
      : expressionErrors(programs, expression, `${at}.expression`, ['bool']);
  if (messageExpression !== '' && messageExpression.trim() === '') {
    errors.push(invalid(`${at}.messageExpression`, messageExpression, 'must be non-empty if specified'));
  } else if (messageExpression !== '') {
    errors.push(...expressionErrors(programs, messageExpression, `${at}.messageExpression`, ['string']));
  }
  if (message !== '' && message.trim() === '') {
    errors.push(invalid(`${at}.message`, message, 'must be non-empty if specified'));
  } else if (/[\n\r]/.test(message.trim())) {
    errors.push(invalid(`${at}.message`, message, 'must not contain line breaks'));
  }
  if (reason === undefined || REASONS.includes(reason)) return errors;
  return [...errors, unsupported(`${at}.reason`, reason, REASONS)];
}

function validateAudit(
  annotation: t.AuditAnnotation,
  name: string,
  programs: PolicyPrograms,
  at: string,
): FieldError[] {
  const { key = '', valueExpression = '' } = annotation;
  const field = `${at}.valueExpression`;
  const full = `${name}/${key}`;
  const errors =
    name === ''
      ? [invalid(`${at}.key`, key, 'requires metadata.name be non-empty')]
      : invalidAll(`${at}.key`, full, checkQualifiedName(full));
  const trimmed = valueExpression.trim();
  if (trimmed === '') return [...errors, required(field, 'valueExpression is not specified')];
  if (Buffer.byteLength(trimmed) > MAX_AUDIT_BYTES) {
    return [...errors, required(field, `must not exceed ${MAX_AUDIT_BYTES} bytes in length`)];
  }
  return [...errors, ...expressionErrors(programs, trimmed, field, ['string', 'null'])];
}

export function validatePolicyBinding({ spec }: t.ValidatingAdmissionPolicyBinding): FieldError[] {
  const { policyName = '', paramRef, matchResources, validationActions = [] } = spec;
  return [
    ...(policyName === ''
      ? [required('spec.policyName')]
      : invalidAll('spec.policyName', policyName, checkDns1123Subdomain(policyName))),
    ...(paramRef === undefined ? [] : validateParamRef(paramRef, 'spec.paramRef')),
    ...(matchResources === undefined ? [] : validateMatchResources(matchResources, 'spec.matchResources')),
    ...validateActions(validationActions, 'spec.validationActions'),
  ];
}

function validateParamRef(
  { name = '', selector, parameterNotFoundAction = '' }: t.ParamRef,
  field: string,
): FieldError[] {
  const errors = name === '' ? [] : invalidAll(`${field}.name`, name, pathSegmentName(name, false));
  const exclusive: FieldError = {
    kind: 'forbidden',
    field: `${field}.name`,
    detail: 'name and selector are mutually exclusive',
  };
  if (name !== '' && selector !== undefined) errors.push(exclusive);
  if (selector !== undefined) {
    errors.push(...validateSelector(selector, `${field}.selector`));
    if (name !== '') errors.push({ ...exclusive, field: `${field}.selector` });
  }
  if (name === '' && selector === undefined) errors.push(required(field, 'one of name or selector must be specified'));
  const actions = ['Deny', 'Allow'];
  const at = `${field}.parameterNotFoundAction`;
  if (parameterNotFoundAction === '') return [...errors, required(at)];
  return actions.includes(parameterNotFoundAction)
    ? errors
    : [...errors, unsupported(at, parameterNotFoundAction, actions)];
}

function validateActions(actions: readonly string[], field: string): FieldError[] {
  const known = ['Audit', 'Deny', 'Warn'];
  const errors = actions.flatMap((action, i) => [
    ...(known.includes(action) ? [] : [unsupported(`${field}[${i}]`, action, known)]),
    ...(actions.indexOf(action) < i ? [duplicate(`${field}[${i}]`, action)] : []),
  ]);
  if (actions.includes('Deny') && actions.includes('Warn')) {
    const why =
      'must not contain both Deny and Warn (repeating the same validation failure information in the API response and headers serves no purpose)';
    errors.push(invalid(field, actions, why));
  }
  if (actions.length === 0) errors.push(required(field, 'at least one validation action is required'));
  return errors;
}
