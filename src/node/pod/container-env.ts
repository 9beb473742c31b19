import type { ConfigMap, Container, EnvVar, Pod, ResourceFieldSelector, Secret } from '#api/generated/types.ts';
import { CodedError } from '#base/errors.ts';
import { expand } from './expand.ts';
import { fieldValue, type PodFacts, resourceValue } from './field-value.ts';

/** What the Pod refers to, by name; absent when there is no such object. */
export interface PodSources {
  readonly configMaps: ReadonlyMap<string, ConfigMap>;
  readonly secrets: ReadonlyMap<string, Secret>;
}

export interface ContainerEnvSpec {
  readonly pod: Pod;
  readonly container: Container;
  readonly facts: PodFacts;
  readonly sources: PodSources;
  readonly serviceEnv: Readonly<Record<string, string>>;
  /** Of the image; everything else overrides it. */
  readonly imageEnv: Readonly<Record<string, string>>;
}

/** The Pod's configuration does not allow to make the container; may heal by itself. Code CreateContainerConfigError. */
export class ContainerConfigError extends CodedError {
  constructor(message: string) {
    super('CreateContainerConfigError', message);
    this.name = 'ContainerConfigError';
  }
}

export function containerEnv(spec: ContainerEnvSpec): Readonly<Record<string, string>> {
  const own: Record<string, string> = {};
  for (const from of spec.container.envFrom ?? []) Object.assign(own, envFrom(spec, from));
  for (const variable of spec.container.env ?? []) {
    const value = valueOf(spec, variable, (name) => own[name] ?? spec.serviceEnv[name]);
    if (value !== undefined) own[variable.name] = value;
  }
  return { ...spec.imageEnv, ...spec.serviceEnv, ...own };
}

function envFrom(
  spec: ContainerEnvSpec,
  from: NonNullable<Container['envFrom']>[number],
): Readonly<Record<string, string>> {
  const prefix = from.prefix ?? '';
  const data = from.configMapRef === undefined ? secretData(spec, from) : configMapData(spec, from);
  return Object.fromEntries(Object.entries(data).map(([key, value]) => [`${prefix}${key}`, value]));
}

function configMapData(
  { sources }: ContainerEnvSpec,
  { configMapRef }: NonNullable<Container['envFrom']>[number],
): Readonly<Record<string, string>> {
  const { name = '', optional } = configMapRef ?? {};
  const found = sources.configMaps.get(name);
  if (found === undefined && optional !== true) throw missing('configmap', name);
  return found?.data ?? {};
}

function secretData(
  { sources }: ContainerEnvSpec,
  { secretRef }: NonNullable<Container['envFrom']>[number],
): Readonly<Record<string, string>> {
  if (secretRef === undefined) return {};
  const { name = '', optional } = secretRef;
  const found = sources.secrets.get(name);
  if (found === undefined && optional !== true) throw missing('secret', name);
  return Object.fromEntries(Object.entries(found?.data ?? {}).map(([key, value]) => [key, decode(value)]));
}

function valueOf(
  spec: ContainerEnvSpec,
  { value, valueFrom }: EnvVar,
  lookUp: (name: string) => string | undefined,
): string | undefined {
  if (valueFrom === undefined) return expand(value ?? '', lookUp);
  const { fieldRef, resourceFieldRef, configMapKeyRef, secretKeyRef } = valueFrom;
  if (fieldRef !== undefined) return fieldOf(spec, fieldRef.fieldPath);
  if (resourceFieldRef !== undefined) return resourceOf(spec, resourceFieldRef);
  if (configMapKeyRef !== undefined) {
    const { name = '', key, optional } = configMapKeyRef;
    const object = spec.sources.configMaps.get(name);
    return keyOf('configmap', name, key, object, object?.data?.[key], optional);
  }
  if (secretKeyRef === undefined) return undefined;
  const { name = '', key, optional } = secretKeyRef;
  const object = spec.sources.secrets.get(name);
  const data = object?.data?.[key];
  return keyOf('secret', name, key, object, data === undefined ? undefined : decode(data), optional);
}

function fieldOf(spec: ContainerEnvSpec, path: string): string {
  const found = fieldValue(spec.pod, path, spec.facts);
  if (found === undefined) throw new ContainerConfigError(`unsupported fieldPath: ${path}`);
  return found;
}

function resourceOf(spec: ContainerEnvSpec, ref: ResourceFieldSelector): string | undefined {
  const { initContainers = [], containers } = spec.pod.spec;
  const named = [...containers, ...initContainers].find(({ name }) => name === ref.containerName);
  return resourceValue(named ?? spec.container, ref, spec.facts);
}

function keyOf(
  kind: 'configmap' | 'secret',
  name: string,
  key: string,
  object: ConfigMap | Secret | undefined,
  value: string | undefined,
  optional: boolean | undefined,
): string | undefined {
  if (value !== undefined || optional === true) return value;
  if (object === undefined) throw missing(kind, name);
  const shown = kind === 'configmap' ? 'ConfigMap' : 'Secret';
  throw new ContainerConfigError(`couldn't find key ${key} in ${shown} ${object.metadata.namespace ?? ''}/${name}`);
}

function missing(kind: string, name: string): ContainerConfigError {
  return new ContainerConfigError(`${kind} ${JSON.stringify(name)} not found`);
}

function decode(base64: string): string {
  return Buffer.from(base64, 'base64').toString();
}

/** What an image says to run. */
export interface ImageCommand {
  readonly entrypoint: readonly string[];
  readonly command: readonly string[];
}

/** `command` and `args` with their `$(NAME)` replaced, in the place of what the image says; a new command goes without its arguments. */
export function containerArgv(
  container: Container,
  env: Readonly<Record<string, string>>,
  image: ImageCommand,
): readonly string[] {
  const { command = [], args = [] } = container;
  const fill = (texts: readonly string[]): readonly string[] => texts.map((text) => expand(text, (name) => env[name]));
  if (command.length > 0) return fill([...command, ...args]);
  return [...image.entrypoint, ...(args.length > 0 ? fill(args) : image.command)];
}

/** Names of the ConfigMaps and Secrets that containers' variables need. */
export function envReferences(containers: readonly Container[]): {
  readonly configMaps: readonly string[];
  readonly secrets: readonly string[];
} {
  const configMaps = new Set<string>();
  const secrets = new Set<string>();
  const add = (set: Set<string>, ref: { readonly name?: string | undefined } | undefined): void => {
    if (ref?.name !== undefined) set.add(ref.name);
  };
  for (const { env = [], envFrom = [] } of containers) {
    for (const { valueFrom } of env) {
      add(configMaps, valueFrom?.configMapKeyRef);
      add(secrets, valueFrom?.secretKeyRef);
    }
    for (const { configMapRef, secretRef } of envFrom) {
      add(configMaps, configMapRef);
      add(secrets, secretRef);
    }
  }
  return { configMaps: [...configMaps], secrets: [...secrets] };
}
