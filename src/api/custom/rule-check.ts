import { type FieldError, internal, invalid, required, unsupported } from '../field-error.ts';
import { isObject } from '../patch/json-value.ts';
import { isEmbedded, resourceSchema, ruleType } from './rule-type.ts';
import { rulePath } from './rule-path.ts';
import { compileRules, type RuleSource, sourcesOf } from './schema-rules.ts';
import type { StructuralSchema } from './structural-schema.ts';

const REASONS = ['FieldValueDuplicate', 'FieldValueForbidden', 'FieldValueInvalid', 'FieldValueRequired'];
const RULES = 'x-kubernetes-validations';

const hasNewlines = (text: string): boolean => /[\n\r]/.test(text);

/** Where in a schema rules stand. */
interface Place {
  readonly isRoot: boolean;
  /** The list or map around it whose parts cannot be found again after a change. */
  readonly uncorrelatable?: string | undefined;
}

/**
 * What is wrong with the rules of a schema, which is a valid one otherwise. What they say is looked at only where nothing
 * else is wrong with them.
 */
export function checkRules(schema: StructuralSchema, at: string): FieldError[] {
  const fields = everyNode(schema, at, { isRoot: true }, checkFields);
  return fields.length > 0 ? fields : everyNode(schema, at, { isRoot: true }, checkTexts);
}

type Check = (schema: StructuralSchema, at: string, place: Place) => FieldError[];

function everyNode(schema: StructuralSchema, at: string, place: Place, check: Check): FieldError[] {
  const within = (part: StructuralSchema, field: string, isLost: boolean): FieldError[] => {
    const uncorrelatable = place.uncorrelatable ?? (isLost ? at : undefined);
    return everyNode(part, field, { isRoot: false, uncorrelatable }, check);
  };
  const { properties = {}, items, additionalProperties } = schema;
  const isAtomicList = schema['x-kubernetes-list-type'] !== 'map';
  return [
    ...(isObject(additionalProperties) ? within(additionalProperties, `${at}.additionalProperties`, false) : []),
    ...Object.entries(properties).flatMap(([name, part]) => within(part, `${at}.properties[${name}]`, false)),
    ...(items === undefined ? [] : within(items, `${at}.items`, isAtomicList)),
    ...check(schema, at, place),
  ];
}

const checkFields: Check = (schema, at) =>
  sourcesOf(schema).flatMap((source, index) => checkSource(source, schema, `${at}.${RULES}[${index}]`));

function checkSource(source: RuleSource, schema: StructuralSchema, at: string): FieldError[] {
  const { messageExpression = '', reason, fieldPath = '' } = source;
  const errors = checkText(source, at);
  if (messageExpression !== '' && messageExpression.trim() === '') {
    errors.push(required(`${at}.messageExpression`, 'messageExpression must be non-empty if specified'));
  }
  if (reason !== undefined && !REASONS.includes(reason)) errors.push(unsupported(`${at}.reason`, reason, REASONS));
  if (fieldPath === '') return errors;
  const refuse = (why: string): number => errors.push(invalid(`${at}.fieldPath`, fieldPath, why));
  if (fieldPath.trim() === '') refuse('must be non-empty if specified');
  if (hasNewlines(fieldPath)) refuse('must not contain line breaks');
  if (rulePath(fieldPath, schema) === undefined) refuse('must be a valid path');
  return errors;
}

function checkText({ rule = '', message = '' }: Partial<RuleSource>, at: string): FieldError[] {
  const trimmed = message.trim();
  if (rule.trim() === '') return [required(`${at}.rule`, 'rule is not specified')];
  if (message !== '' && trimmed === '') return [invalid(`${at}.message`, message, 'must be non-empty if specified')];
  if (hasNewlines(trimmed)) return [invalid(`${at}.message`, message, 'must not contain line breaks')];
  if (hasNewlines(rule.trim()) && trimmed === '') {
    return [required(`${at}.message`, 'message must be specified if rule contains line breaks')];
  }
  return [];
}

function checkTexts(schema: StructuralSchema, at: string, { isRoot, uncorrelatable }: Place): FieldError[] {
  const seen = isRoot || isEmbedded(schema) ? resourceSchema(schema) : schema;
  const sources = sourcesOf(schema);
  if (sources.length > 0 && ruleType(seen) === undefined) {
    const why = 'unable to convert structural schema to CEL declarations';
    const text = `internal error: failed to construct type information for x-kubernetes-validations rules: ${why}`;
    return [internal(`${at}.${RULES}`, text)];
  }
  const errors: FieldError[] = [];
  for (const [index, compiled] of compileRules(sources, seen).entries()) {
    const { source, problem, messageProblem, usesOldSelf } = compiled;
    const field = `${at}.${RULES}[${index}]`;
    if (problem !== undefined) errors.push(invalid(`${field}.rule`, shown(source), problem));
    if (messageProblem !== undefined) errors.push(invalid(`${field}.messageExpression`, shown(source), messageProblem));
    if (usesOldSelf && uncorrelatable !== undefined) {
      const why = `oldSelf cannot be used on the uncorrelatable portion of the schema within ${uncorrelatable}`;
      errors.push(invalid(`${field}.rule`, source.rule, why));
    } else if (!usesOldSelf && source.optionalOldSelf !== undefined) {
      const why = 'may not be set if oldSelf is not used in rule';
      errors.push(invalid(`${field}.optionalOldSelf`, source.optionalOldSelf, why));
    }
  }
  return errors;
}

/** As errors of Kubernetes print a rule. */
function shown(source: RuleSource): unknown {
  return {
    Rule: source.rule,
    Message: source.message ?? '',
    MessageExpression: source.messageExpression ?? '',
    Reason: source.reason ?? null,
    FieldPath: source.fieldPath ?? '',
    OptionalOldSelf: source.optionalOldSelf ?? null,
  };
}
