import { randomBytes } from 'node:crypto';
import { createWriteStream, mkdirSync, readFileSync, statSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import { posix } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { whileRoom } from './disk-room.ts';
import { decompress } from './decompress.ts';
import type { ImageRecord } from './image-record.ts';
import { checkConfig, type ImageStore, machineArchitecture } from './image-store-agent.ts';
import {
  type Descriptor,
  ImageFormatError,
  isObject,
  parseConfig,
  parseJson,
  parseManifest,
  parseObject,
} from './manifest.ts';
import { formatReference, parseReference } from './reference.ts';
import { MAX_TEXT } from './http-agent.ts';
import { sha256 } from './registry-agent.ts';
import { readTar } from './tar.ts';

export interface LoadOptions {
  /** For images that the archive gives no name. */
  readonly name?: string | undefined;
  /** Holds the archive's files for a while. */
  readonly scratchDir: string;
}

/**
 * Loads the images of an archive that `docker save`, `podman save`, `skopeo copy` or `buildah push` wrote: docker-archive
 * or oci-archive, compressed or not.
 */
export async function loadArchive(
  store: ImageStore,
  source: AsyncIterable<Uint8Array>,
  options: LoadOptions,
): Promise<readonly ImageRecord[]> {
  const scratch = `${options.scratchDir}/load-${randomBytes(8).toString('hex')}`;
  mkdirSync(scratch, { recursive: true, mode: 0o700 });
  try {
    const archive = await unpackArchive(source, scratch);
    if (archive.has('manifest.json')) return await loadDocker(store, archive, options);
    if (archive.has('index.json')) return await loadOci(store, archive, options);
    throw new ImageFormatError('neither manifest.json nor index.json is in it: not an archive of images');
  } finally {
    await rm(scratch, { recursive: true, force: true });
  }
}

/** Paths in the archive, and the files where their content is now. */
class Archive {
  readonly #files = new Map<string, string>();

  set(path: string, file: string): void {
    this.#files.set(posix.normalize(path), file);
  }

  has(path: string): boolean {
    return this.#files.has(posix.normalize(path));
  }

  file(path: string): string {
    const file = this.#files.get(posix.normalize(path));
    if (file === undefined) throw new ImageFormatError(`${JSON.stringify(path)} is not in the archive`);
    return file;
  }

  text(path: string): string {
    const file = this.file(path);
    if (statSync(file).size > MAX_TEXT)
      throw new ImageFormatError(`${JSON.stringify(path)} is larger than ${MAX_TEXT} bytes`);
    return readFileSync(file, 'utf8');
  }

  blobText({ digest }: Descriptor): string {
    const text = this.text(blobPath(digest));
    if (sha256(text) === digest) return text;
    throw new ImageFormatError(`digest does not match: ${digest} was promised, ${sha256(text)} came`);
  }
}

async function unpackArchive(source: AsyncIterable<Uint8Array>, scratch: string): Promise<Archive> {
  const archive = new Archive();
  const tar = readTar(whileRoom(decompress(source), scratch));
  const links: (readonly [string, string])[] = [];
  let number = 0;
  for (let entry = await tar.next(); entry !== undefined; entry = await tar.next()) {
    const { kind, path, linkPath } = entry;
    if (kind === 'symlink') links.push([path, posix.join(posix.dirname(path), linkPath)]);
    if (kind === 'link') links.push([path, linkPath]);
    if (kind !== 'file') continue;
    const file = `${scratch}/${number++}`;
    await pipeline(tar.body(), createWriteStream(file, { mode: 0o600 }));
    archive.set(path, file);
  }
  for (const [path, target] of links) if (archive.has(target)) archive.set(path, archive.file(target));
  return archive;
}

async function loadDocker(store: ImageStore, archive: Archive, options: LoadOptions): Promise<readonly ImageRecord[]> {
  const records: ImageRecord[] = [];
  for (const { Config, RepoTags, Layers } of dockerImages(archive.text('manifest.json'))) {
    const text = archive.text(Config);
    const config = parseConfig(text);
    checkConfig(config, { layers: Layers });
    for (const [index, layer] of Layers.entries()) {
      await store.layers.add(archive.file(layer), config.diffIds[index] ?? '', undefined);
    }
    const names = RepoTags === undefined || RepoTags === null || RepoTags.length === 0 ? [options.name] : RepoTags;
    const bytes = Layers.reduce((sum, layer) => sum + statSync(archive.file(layer)).size, 0);
    records.push(...saveAs(store, names, { id: sha256(text), digest: undefined, config, bytes }));
  }
  return records;
}

interface DockerImage {
  readonly Config: string;
  readonly RepoTags?: readonly string[] | null;
  readonly Layers: readonly string[];
}

function dockerImages(text: string): readonly DockerImage[] {
  const images: unknown = parseJson(text, 'manifest.json');
  const isTexts = (value: unknown): boolean => Array.isArray(value) && value.every((one) => typeof one === 'string');
  const isImage = (value: unknown): value is DockerImage =>
    isObject(value) &&
    typeof value['Config'] === 'string' &&
    isTexts(value['Layers']) &&
    isTexts(value['RepoTags'] ?? []);
  if (Array.isArray(images) && images.every(isImage)) return images;
  throw new ImageFormatError('manifest.json is no list of images');
}

async function loadOci(store: ImageStore, archive: Archive, options: LoadOptions): Promise<readonly ImageRecord[]> {
  const { manifests } = parseObject(archive.text('index.json'), 'index');
  const records: ImageRecord[] = [];
  for (const entry of Array.isArray(manifests) ? (manifests as readonly unknown[]) : []) {
    if (!isObject(entry)) continue;
    const top = archive.text(blobPath(String(entry['digest'])));
    const parsed = parseManifest(top, machineArchitecture());
    const inner =
      parsed.kind === 'index' ? parseManifest(archive.blobText(parsed.chosen), machineArchitecture()) : parsed;
    if (inner.kind === 'index') throw new ImageFormatError('an index in an index is not supported');
    const { manifest } = inner;
    const config = parseConfig(archive.blobText(manifest.config));
    checkConfig(config, manifest);
    for (const [index, layer] of manifest.layers.entries()) {
      await store.layers.add(archive.file(blobPath(layer.digest)), config.diffIds[index] ?? '', layer.digest);
    }
    const bytes = manifest.layers.reduce((sum, { size }) => sum + size, 0);
    const name = nameOf(isObject(entry['annotations']) ? entry['annotations'] : {}, options.name);
    records.push(...saveAs(store, [name], { id: manifest.config.digest, digest: sha256(top), config, bytes }));
  }
  return records;
}

/** Tools write a whole name, or only its tag. */
function nameOf(annotations: Readonly<Record<string, unknown>>, given: string | undefined): string | undefined {
  const full = annotations['io.containerd.image.name'];
  if (typeof full === 'string') return full;
  const ref = annotations['org.opencontainers.image.ref.name'];
  if (typeof ref !== 'string' || given !== undefined) return given;
  return /[/:]/.test(ref) ? ref : undefined;
}

function saveAs(
  store: ImageStore,
  names: readonly (string | undefined)[],
  image: Omit<ImageRecord, 'name' | 'createdAt'>,
): readonly ImageRecord[] {
  return names.map((name) => {
    if (name === undefined)
      throw new ImageFormatError('the archive does not say how the image is called: give it a name');
    return store.save(formatReference(parseReference(name)), image);
  });
}

function blobPath(digest: string): string {
  return `blobs/${digest.replace(':', '/')}`;
}
