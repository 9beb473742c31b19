import type {
  ConfigMap,
  DownwardAPIVolumeFile,
  KeyToPath,
  Pod,
  Secret,
  Volume,
  VolumeProjection,
} from '#api/generated/types.ts';
import { ContainerConfigError, type PodSources } from '../pod/container-env.ts';
import { fieldValue, type PodFacts, resourceValue } from '../pod/field-value.ts';

export interface VolumeFile {
  /** Relative to the volume. */
  readonly path: string;
  readonly data: Uint8Array;
  readonly mode: number;
}

/** A service account token that a volume holds. */
export interface TokenWish {
  readonly audience: string | undefined;
  readonly expirationSeconds: number;
}

export interface VolumeContext {
  readonly pod: Pod;
  readonly facts: PodFacts;
  readonly sources: PodSources;
  /** By `tokenKey`. */
  readonly tokens: ReadonlyMap<string, string>;
}

const DEFAULT_MODE = 0o644;

/** The files of a volume whose content comes from the API; undefined for the other kinds of volume. */
export function volumeFiles(volume: Volume, context: VolumeContext): readonly VolumeFile[] | undefined {
  const { configMap, secret, downwardAPI, projected } = volume;
  if (configMap !== undefined) {
    const mode = configMap.defaultMode ?? DEFAULT_MODE;
    return configMapFiles({ ...configMap, name: configMap.name ?? '' }, mode, context);
  }
  if (secret !== undefined) {
    return secretFiles({ ...secret, name: secret.secretName ?? '' }, secret.defaultMode ?? DEFAULT_MODE, context);
  }
  if (downwardAPI !== undefined) {
    return downwardFiles(downwardAPI.items ?? [], downwardAPI.defaultMode ?? DEFAULT_MODE, context);
  }
  if (projected === undefined) return undefined;
  const mode = projected.defaultMode ?? DEFAULT_MODE;
  return (projected.sources ?? []).flatMap((source) => projectedFiles(source, mode, context));
}

export function tokenKey({ audience, expirationSeconds }: TokenWish): string {
  return `${audience ?? ''} ${expirationSeconds}`;
}

export function tokenWish(source: NonNullable<VolumeProjection['serviceAccountToken']>): TokenWish {
  return { audience: source.audience, expirationSeconds: source.expirationSeconds ?? 3600 };
}

/** What has to be fetched before `volumeFiles` can be asked. */
export function volumeReferences(volumes: readonly Volume[]): {
  readonly configMaps: readonly string[];
  readonly secrets: readonly string[];
  readonly tokens: readonly TokenWish[];
} {
  const projections = volumes.flatMap(({ projected }) => projected?.sources ?? []);
  const names = (values: readonly (string | undefined)[]): readonly string[] => [
    ...new Set(values.filter((value) => value !== undefined)),
  ];
  const tokens = projections.flatMap(({ serviceAccountToken }) =>
    serviceAccountToken === undefined ? [] : [tokenWish(serviceAccountToken)],
  );
  return {
    configMaps: names([
      ...volumes.map(({ configMap }) => configMap?.name),
      ...projections.map(({ configMap }) => configMap?.name),
    ]),
    secrets: names([
      ...volumes.map(({ secret }) => secret?.secretName),
      ...projections.map(({ secret }) => secret?.name),
    ]),
    tokens: [...new Map(tokens.map((wish) => [tokenKey(wish), wish])).values()],
  };
}

interface KeyedSource {
  readonly name: string;
  readonly items?: readonly KeyToPath[] | undefined;
  readonly optional?: boolean | undefined;
}

function configMapFiles(source: KeyedSource, mode: number, context: VolumeContext): readonly VolumeFile[] {
  const object = context.sources.configMaps.get(source.name);
  return keyedFiles('configmap', source, mode, object === undefined ? undefined : configMapBytes(object));
}

function secretFiles(source: KeyedSource, mode: number, context: VolumeContext): readonly VolumeFile[] {
  const object = context.sources.secrets.get(source.name);
  return keyedFiles('secret', source, mode, object === undefined ? undefined : secretBytes(object));
}

type Contents = ReadonlyMap<string, Uint8Array>;

function configMapBytes({ data = {}, binaryData = {} }: ConfigMap): Contents {
  return new Map([
    ...Object.entries(data).map(([key, text]) => [key, Buffer.from(text)] as const),
    ...Object.entries(binaryData).map(([key, text]) => [key, Buffer.from(text, 'base64')] as const),
  ]);
}

function secretBytes({ data = {} }: Secret): Contents {
  return new Map(Object.entries(data).map(([key, text]) => [key, Buffer.from(text, 'base64')]));
}

function keyedFiles(
  kind: 'configmap' | 'secret',
  { name, items, optional }: KeyedSource,
  mode: number,
  contents: Contents | undefined,
): readonly VolumeFile[] {
  if (contents === undefined) {
    if (optional === true) return [];
    throw new ContainerConfigError(`${kind} ${JSON.stringify(name)} not found`);
  }
  if (items === undefined) return [...contents].map(([path, data]) => ({ path, data, mode }));
  return items.flatMap(({ key, path, mode: own }): VolumeFile[] => {
    const data = contents.get(key);
    if (data !== undefined) return [{ path, data, mode: own ?? mode }];
    if (optional === true) return [];
    throw new ContainerConfigError(`${kind} references non-existent config key: ${key}`);
  });
}

function downwardFiles(
  items: readonly DownwardAPIVolumeFile[],
  mode: number,
  { pod, facts }: VolumeContext,
): readonly VolumeFile[] {
  return items.map(({ path, fieldRef, resourceFieldRef, mode: own }) => {
    const { containers, initContainers = [] } = pod.spec;
    const container = [...containers, ...initContainers].find((one) => one.name === resourceFieldRef?.containerName);
    const value =
      fieldRef === undefined
        ? container && resourceFieldRef && resourceValue(container, resourceFieldRef, facts)
        : fieldValue(pod, fieldRef.fieldPath, facts);
    if (value === undefined) throw new ContainerConfigError(`unsupported downward API field for ${path}`);
    return { path, data: Buffer.from(value), mode: own ?? mode };
  });
}

function projectedFiles(source: VolumeProjection, mode: number, context: VolumeContext): readonly VolumeFile[] {
  const { configMap, secret, downwardAPI, serviceAccountToken } = source;
  if (configMap !== undefined) return configMapFiles({ ...configMap, name: configMap.name ?? '' }, mode, context);
  if (secret !== undefined) return secretFiles({ ...secret, name: secret.name ?? '' }, mode, context);
  if (downwardAPI !== undefined) return downwardFiles(downwardAPI.items ?? [], mode, context);
  if (serviceAccountToken === undefined) throw new ContainerConfigError('projected volume source is not supported');
  const token = context.tokens.get(tokenKey(tokenWish(serviceAccountToken)));
  if (token === undefined) throw new ContainerConfigError('service account token was not issued');
  // A group that may read the volume, and nobody else, as a kubelet has it: what a Pod's users share is in that group.
  const owned = context.pod.spec.securityContext?.fsGroup !== undefined;
  return [{ path: serviceAccountToken.path, data: Buffer.from(token), mode: owned ? 0o600 : mode }];
}
