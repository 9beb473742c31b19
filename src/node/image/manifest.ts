import { CodedError } from '#base/errors.ts';

/** What a registry or an archive calls a blob. */
export interface Descriptor {
  readonly mediaType: string;
  readonly digest: string;
  readonly size: number;
}

export interface ImageManifest {
  readonly config: Descriptor;
  readonly layers: readonly Descriptor[];
}

/** What of an image's configuration a container is made from. */
export interface ImageConfig {
  readonly architecture: string;
  readonly env: readonly string[];
  readonly entrypoint: readonly string[];
  readonly command: readonly string[];
  readonly workingDir: string;
  readonly user: string;
  readonly stopSignal: string | undefined;
  /** Digests of the layers as plain tar files, the lowest first. */
  readonly diffIds: readonly string[];
}

/** An image is not what it says it is, or not for this machine. */
export class ImageFormatError extends CodedError {
  constructor(message: string) {
    super('ERR_IMAGE_FORMAT', message);
    this.name = 'ImageFormatError';
  }
}

export const MANIFEST_TYPES: readonly string[] = [
  'application/vnd.oci.image.index.v1+json',
  'application/vnd.docker.distribution.manifest.list.v2+json',
  'application/vnd.oci.image.manifest.v1+json',
  'application/vnd.docker.distribution.manifest.v2+json',
];

type Json = Readonly<Record<string, unknown>>;

/** A manifest, or which manifest of several is the one for `architecture` (as Go calls it). */
export function parseManifest(
  text: string,
  architecture: string,
):
  | { readonly kind: 'manifest'; readonly manifest: ImageManifest }
  | { readonly kind: 'index'; readonly chosen: Descriptor } {
  const json = parseObject(text, 'manifest');
  if (Array.isArray(json['manifests'])) {
    return { kind: 'index', chosen: choose(json['manifests'] as readonly Json[], architecture) };
  }
  const layers = json['layers'];
  if (!isObject(json['config']) || !Array.isArray(layers)) {
    throw new ImageFormatError(`unsupported manifest: schema version ${JSON.stringify(json['schemaVersion'])}`);
  }
  const manifest = { config: descriptor(json['config']), layers: (layers as readonly unknown[]).map(descriptor) };
  return { kind: 'manifest', manifest };
}

function choose(manifests: readonly Json[], architecture: string): Descriptor {
  const platforms = manifests.flatMap((entry) =>
    isObject(entry['platform']) ? [{ entry, platform: entry['platform'] }] : [],
  );
  const linux = platforms.filter(({ platform }) => platform['os'] === 'linux');
  const found =
    linux.find(({ platform }) => platform['architecture'] === architecture)?.entry ??
    (platforms.length === 0 ? manifests[0] : undefined);
  if (found !== undefined) return descriptor(found);
  const known = linux.map(({ platform }) => String(platform['architecture'])).join(', ');
  throw new ImageFormatError(
    `no match for platform in manifest: linux/${architecture} is not among ${known || 'none'}`,
  );
}

export function parseConfig(text: string): ImageConfig {
  const json = parseObject(text, 'image configuration');
  const config = isObject(json['config']) ? json['config'] : {};
  const rootfs = isObject(json['rootfs']) ? json['rootfs'] : {};
  const stopSignal = config['StopSignal'];
  return {
    architecture: textOf(json['architecture']),
    env: texts(config['Env']),
    entrypoint: texts(config['Entrypoint']),
    command: texts(config['Cmd']),
    workingDir: textOf(config['WorkingDir']),
    user: textOf(config['User']),
    stopSignal: typeof stopSignal === 'string' && stopSignal !== '' ? stopSignal : undefined,
    diffIds: texts(rootfs['diff_ids']).map((text) => checkDigest(text, 'image configuration')),
  };
}

function descriptor(value: unknown): Descriptor {
  const { mediaType, digest, size } = isObject(value) ? value : {};
  return {
    mediaType: textOf(mediaType),
    digest: checkDigest(digest, 'manifest'),
    size: typeof size === 'number' ? size : 0,
  };
}

/** Digests become names of files and parts of the options of a mount: nothing else may. */
function checkDigest(value: unknown, where: string): string {
  if (typeof value === 'string' && /^sha256:[0-9a-f]{64}$/.test(value)) return value;
  throw new ImageFormatError(`unsupported digest in the ${where}: ${JSON.stringify(value)}`);
}

export function parseObject(text: string, what: string): Json {
  const value = parseJson(text, `the ${what}`);
  if (isObject(value)) return value;
  throw new ImageFormatError(`the ${what} is not a JSON object`);
}

export function parseJson(text: string, what: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    throw new ImageFormatError(`${what} is not JSON`);
  }
}

export function isObject(value: unknown): value is Json {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function texts(value: unknown): readonly string[] {
  return Array.isArray(value) ? value.map(String) : [];
}

/** What a registry sends is not to be trusted: whatever is no text counts as absent. */
function textOf(value: unknown): string {
  return typeof value === 'string' ? value : '';
}
