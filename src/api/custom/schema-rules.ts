import { BOOL, type CelType, optionalOf, sameType, STRING } from '../cel/cel-type.ts';
import { compile, type Program } from '../cel/program.ts';
import { isObject } from '../patch/json-value.ts';
import { isEmbedded, nested, resourceSchema, type RuleType, ruleType } from './rule-type.ts';
import { rulePath } from './rule-path.ts';
import type { StructuralSchema } from './structural-schema.ts';

/** One entry of `x-kubernetes-validations`. */
export interface RuleSource {
  readonly rule: string;
  readonly message?: string | undefined;
  readonly messageExpression?: string | undefined;
  readonly reason?: string | undefined;
  readonly fieldPath?: string | undefined;
  readonly optionalOldSelf?: boolean | undefined;
}

export interface SchemaRule {
  readonly source: RuleSource;
  readonly program?: Program | undefined;
  /** Why there is none. */
  readonly problem?: string | undefined;
  readonly message?: Program | undefined;
  readonly messageProblem?: string | undefined;
  /** `fieldPath` as it is shown. */
  readonly path?: string | undefined;
  readonly usesOldSelf: boolean;
}

/** The rules of a schema and of everything below it; a part without any is left out. */
export interface RuleTree {
  /** What the value is seen by. */
  readonly schema: StructuralSchema;
  readonly rules: readonly SchemaRule[];
  readonly properties: ReadonlyMap<string, RuleTree>;
  readonly members?: RuleTree | undefined;
  readonly items?: RuleTree | undefined;
  readonly allOf: readonly RuleTree[];
}

export function sourcesOf(schema: StructuralSchema): readonly RuleSource[] {
  return (schema['x-kubernetes-validations'] ?? []) as readonly RuleSource[];
}

/** The rules in a schema of a whole object, ready to run; undefined where there are none. */
export function schemaRules(schema: StructuralSchema): RuleTree | undefined {
  return hasRules(schema) ? treeOf(schema, schema, true) : undefined;
}

function hasRules(schema: StructuralSchema): boolean {
  return JSON.stringify(schema).includes('"x-kubernetes-validations":');
}

/** `rules` is the part of the schema whose rules are meant, `shape` the one that says what the values are. */
function treeOf(rules: StructuralSchema, shape: StructuralSchema, isResource: boolean): RuleTree | undefined {
  const seen = isResource ? resourceSchema(shape) : shape;
  const type = ruleType(seen);
  const properties = new Map<string, RuleTree>();
  for (const [name, property] of Object.entries(rules.properties ?? {})) {
    const below = shape.properties?.[name];
    const tree = below === undefined ? undefined : treeOf(property, below, isEmbedded(below));
    if (tree !== undefined) properties.set(name, tree);
  }
  const tree: RuleTree = {
    schema: seen,
    rules: compileRules(sourcesOf(rules), seen, type),
    properties,
    members: below(rules.additionalProperties, shape.additionalProperties),
    items: below(rules.items, shape.items),
    allOf: (rules.allOf ?? []).flatMap((part) => treeOf(part, shape, isResource) ?? []),
  };
  return isEmpty(tree) ? undefined : tree;
}

function isEmpty({ rules, properties, members, items, allOf }: RuleTree): boolean {
  return (
    rules.length === 0 && properties.size === 0 && members === undefined && items === undefined && allOf.length === 0
  );
}

function below(rules: unknown, shape: unknown): RuleTree | undefined {
  if (!isObject(rules) || !isObject(shape)) return undefined;
  const schema: StructuralSchema = shape;
  return treeOf(rules, schema, isEmbedded(schema));
}

/** The rules of one schema, which is to be that of a resource where it describes one. */
export function compileRules(
  sources: readonly RuleSource[],
  schema: StructuralSchema,
  type: RuleType | undefined = nested(schema),
): readonly SchemaRule[] {
  return sources.map((source) => {
    if (type === undefined) {
      const problem = 'failed to convert to declType for CEL validation rules';
      return { source, problem, usesOldSelf: false };
    }
    return compileRule(source, schema, type.type);
  });
}

function compileRule(source: RuleSource, schema: StructuralSchema, self: CelType): SchemaRule {
  const variables = new Map([
    ['self', self],
    ['oldSelf', source.optionalOldSelf === true ? optionalOf(self) : self],
  ]);
  const path = source.fieldPath === undefined ? undefined : rulePath(source.fieldPath, schema);
  const rule = compiled(source.rule, variables, BOOL, '', 'cel expression must evaluate to a bool');
  if (rule.kind === 'none') return { source, problem: rule.problem, path, usesOldSelf: false };
  const { program } = rule;
  const usesOldSelf = program.uses.has('oldSelf');
  const { messageExpression = '' } = source;
  if (messageExpression === '') return { source, program, path, usesOldSelf };
  const wanted = 'messageExpression must evaluate to a string';
  const message = compiled(messageExpression, variables, STRING, 'messageExpression ', wanted);
  if (message.kind === 'none') return { source, program, messageProblem: message.problem, path, usesOldSelf };
  return { source, program, message: message.program, path, usesOldSelf };
}

type Made =
  | { readonly kind: 'program'; readonly program: Program }
  | { readonly kind: 'none'; readonly problem: string };

function compiled(
  text: string,
  variables: ReadonlyMap<string, CelType>,
  type: CelType,
  what: string,
  wanted: string,
): Made {
  const result = compile(text, variables);
  switch (result.kind) {
    case 'wrong':
      return { kind: 'none', problem: `${what}compilation failed: ${result.text}` };
    case 'failing':
      return { kind: 'none', problem: `${what === '' ? 'program ' : what}instantiation failed: ${result.text}` };
    case 'ok':
      if (!sameType(result.program.type, type)) return { kind: 'none', problem: wanted };
      return { kind: 'program', program: result.program };
  }
}
