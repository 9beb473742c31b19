import { deepEqual } from '../equal.ts';
import { type FieldError, invalid, required, unsupported } from '../field-error.ts';
import type { CustomResourceDefinition, CustomResourceDefinitionVersion } from '../generated/types.ts';
import { label1035Name, subdomainName } from '../names.ts';
import { invalidAll, validateChoice, validateImmutable } from '../validation.ts';
import { parseJsonPath } from './json-path.ts';
import { checkRules } from './rule-check.ts';
import { validateSchema } from './schema-validation.ts';
import type { StructuralSchema } from './structural-schema.ts';

export function validateCrd(crd: CustomResourceDefinition): FieldError[] {
  const { spec, metadata } = crd;
  const { group = '', names, versions = [] } = spec;
  const errors: FieldError[] = [];
  const wanted = `${names?.plural ?? ''}.${group}`;
  if (metadata.name !== wanted) {
    errors.push(invalid('metadata.name', metadata.name, 'must be spec.names.plural+"."+spec.group'));
  }
  errors.push(...validateGroup(group));
  errors.push(...validateChoice('spec.scope', spec.scope, ['Cluster', 'Namespaced']));
  errors.push(...validateNames(names ?? {}));
  errors.push(...validateVersions(versions));
  const places = placesOf(versions);
  for (const [index, version] of versions.entries()) {
    errors.push(...validateVersion(version, `spec.versions[${index}]`, places(index)));
  }
  const strategy = spec.conversion?.strategy;
  if (strategy !== undefined && strategy !== 'None' && strategy !== 'Webhook') {
    errors.push(unsupported('spec.conversion.strategy', strategy, ['None', 'Webhook']));
  }
  if (spec.preserveUnknownFields === true) {
    errors.push(invalid('spec.preserveUnknownFields', true, 'must be false in order to use defaults in the schema'));
  }
  return errors;
}

function validateGroup(group: string): FieldError[] {
  if (group === '') return [required('spec.group')];
  const errors = invalidAll('spec.group', group, subdomainName(group, false));
  if (!group.includes('.')) errors.push(invalid('spec.group', group, 'should be a domain with at least one dot'));
  return errors;
}

function validateNames(names: Partial<CustomResourceDefinition['spec']['names']>): FieldError[] {
  const { plural = '', kind = '', singular = '', listKind = '', shortNames = [], categories = [] } = names;
  const errors: FieldError[] = [];
  const check = (field: string, value: string): void => {
    errors.push(...invalidAll(`spec.names.${field}`, value, label1035Name(value.toLowerCase(), false)));
  };
  if (plural === '') errors.push(required('spec.names.plural'));
  else errors.push(...invalidAll('spec.names.plural', plural, label1035Name(plural, false)));
  if (singular !== '') errors.push(...invalidAll('spec.names.singular', singular, label1035Name(singular, false)));
  if (kind === '') errors.push(required('spec.names.kind'));
  else check('kind', kind);
  if (listKind !== '') check('listKind', listKind);
  if (kind !== '' && kind === listKind) {
    errors.push(invalid('spec.names.listKind', listKind, 'kind and listKind may not be the same'));
  }
  for (const [index, short] of shortNames.entries()) {
    errors.push(...invalidAll(`spec.names.shortNames[${index}]`, short, label1035Name(short, false)));
  }
  for (const [index, category] of categories.entries()) {
    errors.push(...invalidAll(`spec.names.categories[${index}]`, category, label1035Name(category, false)));
  }
  return errors;
}

function validateVersions(versions: readonly CustomResourceDefinitionVersion[]): FieldError[] {
  const errors: FieldError[] = [];
  const names = versions.map(({ name }) => name);
  if (versions.filter(({ storage }) => storage).length !== 1) {
    errors.push(invalid('spec.versions', versions, 'must have exactly one version marked as storage version'));
  }
  if (new Set(names).size !== names.length) {
    errors.push(invalid('spec.versions', versions, 'must contain unique version names'));
  }
  return errors;
}

const COLUMN_TYPES = ['boolean', 'date', 'integer', 'number', 'string'];

/** Where errors say that the parts of a version are. */
interface VersionPlaces {
  readonly schema: string | undefined;
  readonly subresources: string | undefined;
  readonly columns: string | undefined;
}

/**
 * What all versions have alike is found at the top of the definition, as in its first form (v1beta1), to which the texts of
 * Kubernetes still go. Undefined for what has been told with an earlier version.
 */
function placesOf(versions: readonly CustomResourceDefinitionVersion[]): (index: number) => VersionPlaces {
  const [first] = versions;
  const isShared = (part: 'schema' | 'subresources' | 'additionalPrinterColumns'): boolean =>
    versions.every((version) => deepEqual(version[part], first?.[part]));
  const place = (index: number, shared: boolean, above: string, own: string): string | undefined =>
    shared ? (index === 0 ? above : undefined) : `spec.versions[${index}].${own}`;
  const [schema, subresources, columns] = [
    isShared('schema'),
    isShared('subresources'),
    isShared('additionalPrinterColumns'),
  ];
  return (index) => ({
    schema: place(index, schema, 'spec.validation', 'schema'),
    subresources: place(index, subresources, 'spec.subresources', 'subresources'),
    columns: place(index, columns, 'spec.additionalPrinterColumns', 'additionalPrinterColumns'),
  });
}

function validateVersion(version: CustomResourceDefinitionVersion, at: string, places: VersionPlaces): FieldError[] {
  const errors = invalidAll(`${at}.name`, version.name, label1035Name(version.name ?? '', false));
  const schema = version.schema?.openAPIV3Schema as StructuralSchema | undefined;
  if (schema === undefined) errors.push(required(`${at}.schema.openAPIV3Schema`, 'schemas are required'));
  else if (places.schema !== undefined) {
    errors.push(...validateVersionSchema(schema, `${places.schema}.openAPIV3Schema`));
  }
  if (places.columns !== undefined) errors.push(...validateColumns(version, places.columns));
  const scale = version.subresources?.scale;
  if (scale !== undefined && places.subresources !== undefined) {
    errors.push(...validateScale(scale, `${places.subresources}.scale`));
  }
  if (version.deprecationWarning !== undefined && version.deprecated !== true) {
    const why = 'can only be set for deprecated versions';
    errors.push(invalid(`${at}.deprecationWarning`, version.deprecationWarning, why));
  }
  return errors;
}

function validateVersionSchema(schema: StructuralSchema, at: string): FieldError[] {
  const errors = validateSchema(schema, at);
  // Rules are checked by the types of a schema, which one that is not valid does not have.
  return errors.length > 0 ? errors : checkRules(schema, at);
}

function validateColumns(version: CustomResourceDefinitionVersion, at: string): FieldError[] {
  const errors: FieldError[] = [];
  for (const [index, { name = '', type = '', jsonPath = '' }] of (version.additionalPrinterColumns ?? []).entries()) {
    const field = `${at}[${index}]`;
    if (name === '') errors.push(required(`${field}.name`));
    errors.push(...validateChoice(`${field}.type`, type, COLUMN_TYPES));
    if (jsonPath === '') errors.push(required(`${field}.jsonPath`));
    else if (parseJsonPath(jsonPath) === undefined) {
      errors.push(invalid(`${field}.jsonPath`, jsonPath, 'must be a simple json path'));
    }
  }
  return errors;
}

type Scale = NonNullable<NonNullable<CustomResourceDefinitionVersion['subresources']>['scale']>;

function validateScale(scale: Scale, at: string): FieldError[] {
  const errors: FieldError[] = [];
  const check = (field: string, path: string | undefined, under: readonly string[]): void => {
    if (path === undefined || path === '') errors.push(required(`${at}.${field}`));
    else if (!under.some((prefix) => path.startsWith(prefix))) {
      errors.push(
        invalid(`${at}.${field}`, path, `should be a json path under ${under.map((p) => p.slice(0, -1)).join(' or ')}`),
      );
    }
  };
  check('specReplicasPath', scale.specReplicasPath, ['.spec.']);
  check('statusReplicasPath', scale.statusReplicasPath, ['.status.']);
  if (scale.labelSelectorPath !== undefined)
    check('labelSelectorPath', scale.labelSelectorPath, ['.spec.', '.status.']);
  return errors;
}

/** What a definition whose kind is served already must not change any more. */
export function validateCrdChange(crd: CustomResourceDefinition, old: CustomResourceDefinition): FieldError[] {
  const errors: FieldError[] = [];
  const names: Partial<CustomResourceDefinition['spec']['names']> = crd.spec.names ?? {};
  const oldNames: Partial<CustomResourceDefinition['spec']['names']> = old.spec.names ?? {};
  const established = (old.status?.conditions ?? []).some(
    ({ type, status }) => type === 'Established' && status === 'True',
  );
  if (established) {
    errors.push(...validateImmutable('spec.scope', crd.spec.scope, old.spec.scope));
    errors.push(...validateImmutable('spec.names.kind', names.kind, oldNames.kind));
  }
  errors.push(...validateImmutable('spec.group', crd.spec.group, old.spec.group));
  errors.push(...validateImmutable('spec.names.plural', names.plural, oldNames.plural));
  return [...errors, ...validateStoredVersions(crd)];
}

/** Objects may still be stored in these. */
export function validateStoredVersions(crd: CustomResourceDefinition): FieldError[] {
  const stored = crd.status?.storedVersions ?? [];
  const versions = new Set((crd.spec.versions ?? []).map(({ name }) => name));
  return stored.flatMap((version, index) =>
    versions.has(version)
      ? []
      : [
          invalid(
            `status.storedVersions[${index}]`,
            version,
            `missing from spec.versions; ${version} was previously a storage version, and must remain in spec.versions until a storage migration ensures no data remains persisted in ${version} and removes ${version} from status.storedVersions`,
          ),
        ],
  );
}
