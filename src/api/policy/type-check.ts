import type { CelType } from '../cel/cel-type.ts';
import { DYN } from '../cel/cel-type.ts';
import type { ExpressionWarning, NamedRuleWithOperations, ValidatingAdmissionPolicySpec } from '../generated/types.ts';
import type { KindDefinition } from '../kind.ts';
import type { KindRegistry } from '../registry.ts';
import { kindType } from './kind-type.ts';
import { BASE_VARIABLES, PolicyPrograms } from './policy-program.ts';

const MAX_KINDS = 10;

/**
 * What is wrong with the expressions of a policy for the kinds that it is about, as far as these are named. Models
 * plugin/policy/validating/typechecking.go of v1.34.
 */
export function typeWarnings(spec: ValidatingAdmissionPolicySpec, registry: KindRegistry): ExpressionWarning[] {
  const params = paramKind(spec, registry);
  const checks = kindsOf(spec.matchConstraints?.resourceRules ?? [], registry).map((kind) => ({
    name: nameOf(kind),
    programs: new PolicyPrograms(spec, variablesOf(kindType(kind)), params === undefined ? DYN : kindType(params)),
  }));
  const warningOf = (fieldRef: string, expression: string): ExpressionWarning[] => {
    const texts = checks.flatMap(({ name, programs }) => {
      const compiled = programs.compile(expression);
      return compiled.kind === 'ok' ? [] : [`${name}: compilation failed: ${compiled.text}\n`];
    });
    return texts.length === 0 ? [] : [{ fieldRef, warning: texts.join('\n') }];
  };
  return (spec.validations ?? []).flatMap(({ expression, messageExpression = '' }, i) => [
    ...warningOf(`spec.validations[${i}].expression`, expression),
    ...(messageExpression === '' ? [] : warningOf(`spec.validations[${i}].messageExpression`, messageExpression)),
  ]);
}

function variablesOf(object: CelType): readonly (readonly [string, CelType])[] {
  return BASE_VARIABLES.map(([name, type]) => [name, name === 'object' || name === 'oldObject' ? object : type]);
}

function nameOf({ resource: { group, version, kind } }: KindDefinition): string {
  return `${group}/${version}, Kind=${kind}`;
}

/** Rules that hold for whatever there is name nothing. */
function kindsOf(rules: readonly NamedRuleWithOperations[], registry: KindRegistry): readonly KindDefinition[] {
  const found = rules.flatMap(({ apiGroups = [], apiVersions = [], resources = [] }) => {
    if ([...apiGroups, ...apiVersions].some((name) => name.includes('*'))) return [];
    const plurals = resources.filter((resource) => !/[*/]/.test(resource));
    return apiGroups.flatMap((group) =>
      apiVersions.flatMap((version) => plurals.flatMap((plural) => registry.byPlural(group, version, plural) ?? [])),
    );
  });
  const byName = new Map(found.slice(0, MAX_KINDS).map((kind) => [nameOf(kind), kind]));
  return [...byName].toSorted(([a], [b]) => (a < b ? -1 : 1)).map(([, kind]) => kind);
}

function paramKind(spec: ValidatingAdmissionPolicySpec, registry: KindRegistry): KindDefinition | undefined {
  const { apiVersion = '', kind = '' } = spec.paramKind ?? {};
  const slash = apiVersion.indexOf('/');
  return registry.byKind(apiVersion.slice(0, Math.max(slash, 0)), apiVersion.slice(slash + 1), kind);
}
