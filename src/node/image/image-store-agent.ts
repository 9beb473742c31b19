import { createHash } from 'node:crypto';
import { mkdirSync, readdirSync, readFileSync, renameSync, rmSync, utimesSync, statSync, writeFileSync } from 'node:fs';
import type { Clock } from '#base/clock.ts';
import type { Credentials } from './credentials.ts';
import type { ImageRecord } from './image-record.ts';
import { emptyKeyring, type Keyring } from './keyring.ts';
import { parseIdMap } from '../stage/id-map.ts';
import type { UnpackOptions } from './layer-unpack-sync.ts';
import { layerName, LayerStore } from './layer-store-agent.ts';
import { type ImageConfig, ImageFormatError, type ImageManifest, parseConfig } from './manifest.ts';
import { formatReference, type ImageReference, parseReference } from './reference.ts';
import { Repository, RegistryError } from './registry-agent.ts';
import { type PullListener, SharedPull } from './shared-pull.ts';

/** URLs of registries that have the same images as another, in the order in which they are asked. */
export type RegistryMirrors = Readonly<Record<string, readonly string[]>>;

/** Where images come from. */
export interface ImageSources {
  /** Asked before a registry itself. */
  readonly mirrors?: RegistryMirrors;
  /** For registries that `PullOptions.credentials` do not open, and for mirrors. */
  readonly keyring?: Keyring;
}

export interface PullOptions extends PullListener {
  /** Tried in order, then those of the keyring, and at last none. */
  readonly credentials: readonly Credentials[];
}

export interface Relief {
  /** Asked before each. */
  readonly isEnough: () => boolean;
  /** What was used so lately stays. */
  readonly minimumAgeMs: number;
}

const PARALLEL = 3;
/** A layer that belongs to no image for so long will belong to none: loading the rest of it takes less. */
const FRESH_MS = 3_600_000;

/**
 * Images on this machine. Several processes may use one directory: a record is a file of its own, written whole, and
 * everything is read when it is asked for.
 */
export class ImageStore {
  readonly layers: LayerStore;
  readonly #records: string;
  readonly #clock: Clock;
  readonly #pulls = new Map<string, SharedPull<ImageRecord>>();
  /** Layers of the images that are being pulled, some of which may be here already. */
  readonly #coming = new Set<readonly string[]>();
  /** By id. A name may have come to mean another image since. */
  readonly #held = new Map<string, { readonly record: ImageRecord; count: number }>();
  readonly #sources: ImageSources;

  constructor(directory: string, clock: Clock, sources: ImageSources = {}) {
    this.#sources = sources;
    this.layers = new LayerStore(directory, unpackOptions(), clock);
    this.#records = `${directory}/records`;
    this.#clock = clock;
    mkdirSync(this.#records, { recursive: true, mode: 0o700 });
  }

  /** Throws `ImageNameError`. */
  find(image: string): ImageRecord | undefined {
    const record = this.#read(fileOf(formatReference(parseReference(image))));
    return record?.config.diffIds.every((diffId) => this.layers.has(diffId)) === true ? record : undefined;
  }

  list(): readonly ImageRecord[] {
    return readdirSync(this.#records)
      .flatMap((file) => this.#read(file) ?? [])
      .sort((a, b) => (a.name < b.name ? -1 : 1));
  }

  /** Gets the image from its registry, or learns that the one here is still the right one. */
  async pull(image: string, options: PullOptions): Promise<ImageRecord> {
    const { credentials, ...listener } = options;
    const reference = parseReference(image);
    const name = formatReference(reference);
    const key = JSON.stringify([name, credentials]);
    let pull = this.#pulls.get(key);
    if (pull === undefined || pull.abandoned) {
      pull = new SharedPull((all) => this.#pull(reference, name, { credentials, ...all }));
      this.#pulls.set(key, pull);
    }
    try {
      return await pull.join(listener);
    } finally {
      if (this.#pulls.get(key) === pull && pull.abandoned) this.#pulls.delete(key);
    }
  }

  save(name: string, image: Omit<ImageRecord, 'name' | 'createdAt'>): ImageRecord {
    const record: ImageRecord = { name, ...image, createdAt: this.#clock.now() };
    const file = `${this.#records}/${fileOf(name)}`;
    writeFileSync(`${file}.${process.pid}.tmp`, JSON.stringify(record), { mode: 0o600 });
    renameSync(`${file}.${process.pid}.tmp`, file);
    return record;
  }

  /** With the layers that no other image has and no container uses. Undefined when there was none of that name. */
  remove(image: string): ImageRecord | undefined {
    const file = fileOf(formatReference(parseReference(image)));
    const record = this.#read(file);
    rmSync(`${this.#records}/${file}`, { force: true });
    if (record !== undefined) this.#collectLayers([record]);
    return record;
  }

  /** As long as this is not disposed, garbage collection keeps the image. */
  hold(record: ImageRecord): Disposable {
    const held = this.#held.get(record.id) ?? { record, count: 0 };
    held.count++;
    this.#held.set(record.id, held);
    const now = this.#clock.now() / 1000;
    const file = `${this.#records}/${fileOf(record.name)}`;
    if (statSync(file, { throwIfNoEntry: false }) !== undefined) utimesSync(file, now, now);
    let released = false;
    return {
      [Symbol.dispose]: () => {
        if (!released && --held.count === 0) this.#held.delete(record.id);
        released = true;
      },
    };
  }

  /** Removes layers that belong to no image, and with `unused` the images that no container holds. */
  collect(options: { readonly unused: boolean }): readonly string[] {
    const removed = options.unused ? this.list().filter((record) => !this.#isHeld(record)) : [];
    for (const { name } of removed) rmSync(`${this.#records}/${fileOf(name)}`, { force: true });
    this.#collectLayers(removed);
    return removed.map(({ name }) => name);
  }

  /** Removes images that no container holds, those first that were not used for the longest time. */
  relieve({ isEnough, minimumAgeMs }: Relief): readonly string[] {
    const removed: string[] = [];
    const usedAt = ({ name }: ImageRecord): number => statSync(`${this.#records}/${fileOf(name)}`).mtimeMs;
    const before = this.#clock.now() - minimumAgeMs;
    for (const record of this.list().toSorted((a, b) => usedAt(a) - usedAt(b))) {
      if (usedAt(record) > before || isEnough()) break;
      if (this.#isHeld(record)) continue;
      rmSync(`${this.#records}/${fileOf(record.name)}`, { force: true });
      this.#collectLayers([record]);
      removed.push(record.name);
    }
    return removed;
  }

  /** Names of the layers' directories below `layers.directory`, the topmost first. */
  layerNames({ config }: ImageRecord): readonly string[] {
    return config.diffIds.map(layerName).toReversed();
  }

  #isHeld({ id }: ImageRecord): boolean {
    return this.#held.has(id);
  }

  /** Whose record was removed while they are in use keep their layers; so does all that is being pulled. */
  #collectLayers(removed: readonly ImageRecord[]): void {
    const layersOf = (records: readonly ImageRecord[]): readonly string[] =>
      records.flatMap(({ config }) => config.diffIds);
    const kept = [...this.list(), ...[...this.#held.values()].map(({ record }) => record)];
    const before = this.#clock.now() - FRESH_MS;
    const keep = [...layersOf(kept), ...[...this.#coming].flat()];
    this.layers.collect({ keep, gone: layersOf(removed), before });
  }

  async #pull(reference: ImageReference, name: string, options: PullOptions): Promise<ImageRecord> {
    const { repository, manifest, digest } = await openImage(reference, options, this.#sources);
    const present = this.find(name);
    if (present?.digest === digest) return present;
    const config = parseConfig(await repository.text(manifest.config));
    checkConfig(config, manifest);
    const bytes = manifest.layers.reduce((sum, { size }) => sum + size, 0);
    let done = 0;
    const onBytes = (count: number): void => {
      done += count;
      options.onProgress?.(done, bytes);
    };
    const todo = manifest.layers.map((layer, index) => ({ layer, diffId: config.diffIds[index] ?? '' }));
    const worker = async (): Promise<void> => {
      for (let next = todo.shift(); next !== undefined; next = todo.shift()) {
        await this.layers.fetch(repository, next.layer, next.diffId, onBytes);
      }
    };
    this.#coming.add(config.diffIds);
    try {
      await Promise.all(Array.from({ length: PARALLEL }, worker));
      return this.save(name, { id: manifest.config.digest, digest, config, bytes });
    } finally {
      this.#coming.delete(config.diffIds);
    }
  }

  #read(file: string): ImageRecord | undefined {
    try {
      return JSON.parse(readFileSync(`${this.#records}/${file}`, 'utf8')) as ImageRecord;
    } catch {
      return undefined;
    }
  }
}

interface OpenImage {
  readonly repository: Repository;
  readonly manifest: ImageManifest;
  readonly digest: string;
}

async function openImage(
  reference: ImageReference,
  { credentials, signal }: PullOptions,
  { mirrors = {}, keyring = emptyKeyring }: ImageSources,
): Promise<OpenImage> {
  for (const mirror of mirrors[reference.registry] ?? []) {
    const { endpoint, registry, own } = readMirror(mirror);
    try {
      const known = await keyring({ ...reference, registry });
      return await openAs(reference, [...own, ...known.credentials], signal, endpoint);
    } catch (error) {
      // It may be down, or have other images: the next one may not, and the registry itself has the last word.
      if (signal.aborted || error instanceof ImageFormatError) throw error;
    }
  }
  const known = await keyring(reference);
  try {
    return await openAs(reference, [...credentials, ...known.credentials], signal);
  } catch (error) {
    if (!(error instanceof RegistryError) || known.problems.length === 0) throw error;
    throw new RegistryError(error.status, `${error.message} (${known.problems.join('; ')})`);
  }
}

/** As each in turn, and at last as nobody; the first refusal is the one to tell. */
async function openAs(
  reference: ImageReference,
  credentials: readonly Credentials[],
  signal: AbortSignal,
  endpoint?: string,
): Promise<OpenImage> {
  let refused: unknown;
  for (const one of [...credentials, undefined]) {
    const repository = new Repository(reference, one, signal, endpoint);
    try {
      return { repository, ...(await repository.manifest(machineArchitecture())) };
    } catch (error) {
      if (!(error instanceof RegistryError && [401, 403, 404].includes(error.status))) throw error;
      refused ??= error;
    }
  }
  throw refused;
}

/** `https://user:password@mirror.example.com/path`. What it is called by must not hold the password. */
function readMirror(text: string): {
  readonly endpoint: string;
  readonly registry: string;
  readonly own: readonly Credentials[];
} {
  const url = new URL(text);
  const [username, password] = [decodeURIComponent(url.username), decodeURIComponent(url.password)];
  url.username = url.password = '';
  return { endpoint: url.href, registry: url.host, own: username === '' ? [] : [{ username, password }] };
}

export function checkConfig(config: ImageConfig, { layers }: { readonly layers: readonly unknown[] }): void {
  if (config.diffIds.length !== layers.length) {
    throw new ImageFormatError(`the image has ${layers.length} layers, its configuration ${config.diffIds.length}`);
  }
  const ours = machineArchitecture();
  if (config.architecture !== '' && config.architecture !== ours) {
    throw new ImageFormatError(`the image is for linux/${config.architecture}, this machine is linux/${ours}`);
  }
}

/** As Go, and with it every registry, calls it. */
export function machineArchitecture(): string {
  return process.arch === 'x64' ? 'amd64' : process.arch;
}

/** Root of the machine can make files of anybody, root of a user namespace those of its users. */
function unpackOptions(): UnpackOptions {
  const [users, groups] = ['uid_map', 'gid_map'].map((file) => parseIdMap(readFileSync(`/proc/self/${file}`, 'utf8')));
  const count = users?.reduce((sum, { count }) => sum + count, 0) ?? 0;
  if (process.getuid?.() !== 0 || users === undefined || groups === undefined || count < 2) {
    return { privileged: false, owners: undefined };
  }
  return { privileged: count === ALL_USERS, owners: { users, groups } };
}

/** (uid_t)-1 is none. */
const ALL_USERS = 2 ** 32 - 1;

function fileOf(name: string): string {
  return `${createHash('sha256').update(name).digest('hex').slice(0, 32)}.json`;
}
