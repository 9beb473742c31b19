import { randomBytes } from 'node:crypto';
import { createReadStream, existsSync, mkdirSync, readdirSync, renameSync, statSync } from 'node:fs';
import { open, rm } from 'node:fs/promises';
import type { IncomingMessage } from 'node:http';
import { Channel } from '#base/channel.ts';
import type { Clock } from '#base/clock.ts';
import { errorCode, errorMessage } from '#base/errors.ts';
import { removeTree } from '../sandbox/remove-tree-sync.ts';
import { checkRoom, whileRoom } from './disk-room.ts';
import { decompress, DigestStream } from './decompress.ts';
import { unpackLayer, type UnpackOptions } from './layer-unpack-sync.ts';
import { type Descriptor, ImageFormatError } from './manifest.ts';
import { type Repository, RegistryError } from './registry-agent.ts';

/** In a row that bring nothing. */
const ATTEMPTS = 4;
const RETRY_MS = 200;
/** Nobody writes to a download that has not grown for so long. */
const ABANDONED_MS = 60_000;

export interface Collection {
  /** Digests of layers as plain tar files, like all here. */
  readonly keep: Iterable<string>;
  readonly gone: readonly string[];
  /** Milliseconds since 1970. */
  readonly before: number;
}

/** Unpacked layers of images, each once: a directory for each, named by the digest of its plain tar file. */
export class LayerStore {
  /** Layers lie directly in it; names in a mount's options are relative to it and short, for they have but a page. */
  readonly directory: string;
  readonly #downloads: string;
  readonly #options: UnpackOptions;
  readonly #pending = new Map<string, Promise<void>>();
  /** Other processes may be downloading the same. */
  readonly #token = randomBytes(4).toString('hex');
  readonly #clock: Clock;

  constructor(directory: string, options: UnpackOptions, clock: Clock) {
    this.#clock = clock;
    this.directory = `${directory}/layers`;
    this.#downloads = `${directory}/downloads`;
    this.#options = options;
    for (const path of [this.directory, this.#downloads]) mkdirSync(path, { recursive: true, mode: 0o700 });
  }

  has(diffId: string): boolean {
    return existsSync(`${this.directory}/${layerName(diffId)}`);
  }

  /** Downloads and unpacks; at the same time as others that want the same, only once. */
  async fetch(
    repository: Repository,
    layer: Descriptor,
    diffId: string,
    onBytes: (count: number) => void,
  ): Promise<void> {
    await this.#once(diffId, async () => {
      const file = this.#claim(layer.digest);
      await this.#download(repository, layer, file, onBytes);
      try {
        await this.#unpack(createReadStream(file), diffId, layer.digest);
      } finally {
        await rm(file, { force: true });
      }
    });
  }

  /** From a file that is already here, of an archive. */
  async add(file: string, diffId: string, digest: string | undefined): Promise<void> {
    await this.#once(diffId, () => this.#unpack(createReadStream(file), diffId, digest));
  }

  /**
   * Removes all layers but those to `keep`, and what broken downloads left behind. What came lately may be a part of an
   * image that another process is about to write down: it stays, unless it is known to be `gone`.
   */
  collect({ keep, gone, before }: Collection): void {
    const kept = new Set([...keep, ...this.#pending.keys()].map(layerName));
    const known = new Set(gone.map(layerName));
    const old = (path: string): boolean => (statSync(path, { throwIfNoEntry: false })?.ctimeMs ?? 0) < before;
    for (const name of readdirSync(this.directory)) {
      const path = `${this.directory}/${name}`;
      if (!kept.has(name) && (known.has(name) || old(path))) removeTree(path);
    }
    for (const name of readdirSync(this.#downloads)) {
      if (old(`${this.#downloads}/${name}`)) removeTree(`${this.#downloads}/${name}`);
    }
  }

  async #once(diffId: string, work: () => Promise<void>): Promise<void> {
    while (!this.has(diffId)) {
      const others = this.#pending.get(diffId);
      if (others === undefined) {
        const own = work().finally(() => this.#pending.delete(diffId));
        this.#pending.set(diffId, own);
        await own;
        return;
      }
      // It may have ended for who wanted it first, and not for us.
      await others.catch(() => {});
    }
  }

  /** The file to download to: what an earlier process left of it, which only one of us can have, or a new one. */
  #claim(digest: string): string {
    const name = digest.slice('sha256:'.length);
    const file = `${this.#downloads}/${name}.${this.#token}`;
    for (const other of readdirSync(this.#downloads).filter((one) => one.startsWith(name))) {
      const path = `${this.#downloads}/${other}`;
      const stat = statSync(path, { throwIfNoEntry: false });
      if (stat === undefined || this.#clock.now() - stat.mtimeMs < ABANDONED_MS) continue;
      try {
        renameSync(path, file);
        break;
      } catch (error) {
        if (errorCode(error) !== 'ENOENT') throw error;
      }
    }
    return file;
  }

  /** Goes on where an earlier attempt was cut off. */
  async #download(
    repository: Repository,
    layer: Descriptor,
    file: string,
    onBytes: (count: number) => void,
  ): Promise<void> {
    let size = 0;
    let told = 0;
    // However often it begins anew, and wherever: in the end all of it was told once.
    const reached = (bytes: number): void => {
      onBytes(bytes - told);
      told = bytes;
    };
    for (let attempt = 1; ; attempt++) {
      try {
        await this.#downloadOnce(repository, layer, file, reached);
        return;
      } catch (error) {
        const before = size;
        size = statSync(file, { throwIfNoEntry: false })?.size ?? 0;
        // A line that is cut again and again brings everything in the end.
        if (size > before) attempt = 1;
        const refused = error instanceof RegistryError || error instanceof ImageFormatError;
        const full = ['ENOSPC', 'EDQUOT'].includes(errorCode(error) ?? '');
        // The store of the cluster is on the same disk: what cannot be finished is not to stand in its way.
        if (full) await rm(file, { force: true });
        if (refused || full || attempt === ATTEMPTS) {
          throw new Error(`failed to copy ${layer.digest}: ${errorMessage(error)}`, { cause: error });
        }
        await this.#clock.sleep(RETRY_MS * attempt);
      }
    }
  }

  async #downloadOnce(
    repository: Repository,
    layer: Descriptor,
    file: string,
    reached: (bytes: number) => void,
  ): Promise<void> {
    const present = statSync(file, { throwIfNoEntry: false })?.size ?? 0;
    if (present === layer.size && present > 0) return;
    const offset = present < layer.size ? present : 0;
    checkRoom(this.#downloads, layer.size - offset);
    const response = await repository.blob(layer, offset);
    const resumed = response.statusCode === 206;
    const chunks = chunksOf(response);
    const handle = await open(file, resumed ? 'a' : 'w', 0o600);
    try {
      let size = resumed ? offset : 0;
      reached(size);
      for await (const chunk of chunks) {
        size += chunk.length;
        if (size > layer.size) throw new ImageFormatError(`the registry sends more than ${layer.size} bytes`);
        await handle.write(chunk);
        reached(size);
        response.resume();
      }
    } finally {
      await handle.close();
    }
    const size = statSync(file).size;
    if (size < layer.size) throw new Error(`unexpected EOF after ${size} of ${layer.size} bytes`);
  }

  async #unpack(source: AsyncIterable<Uint8Array>, diffId: string, digest: string | undefined): Promise<void> {
    const fresh = `${this.directory}/.${randomBytes(8).toString('hex')}`;
    mkdirSync(fresh, { mode: 0o755 });
    try {
      const packed = new DigestStream(source);
      const plain = new DigestStream(whileRoom(decompress(packed), this.directory));
      await unpackLayer(plain, fresh, this.#options);
      if (digest !== undefined) compare(digest, packed.digest());
      compare(diffId, plain.digest());
      this.#accept(fresh, diffId);
    } catch (error) {
      removeTree(fresh);
      throw new Error(`failed to extract layer ${diffId}: ${errorMessage(error)}`, { cause: error });
    }
  }

  /** Another process may have been faster. */
  #accept(fresh: string, diffId: string): void {
    try {
      renameSync(fresh, `${this.directory}/${layerName(diffId)}`);
    } catch (error) {
      if (!['ENOTEMPTY', 'EEXIST'].includes(errorCode(error) ?? '')) throw error;
      removeTree(fresh);
    }
  }
}

/**
 * The body of an answer, of which nothing that came is lost when the connection is cut: a stream that breaks forgets
 * what nobody has read, and with a line that is cut soon enough no attempt would ever get further than the one before.
 * It is paused after each chunk, for whoever has dealt with that to resume.
 */
function chunksOf(response: IncomingMessage): Channel<Buffer> {
  const channel = new Channel<Buffer>();
  response.on('data', (chunk: Buffer) => {
    response.pause();
    channel.push(chunk);
  });
  response.on('end', () => channel.close());
  response.on('error', (error) => channel.fail(error));
  response.on('close', () => channel.fail(new Error('aborted')));
  channel.onReturn = () => response.destroy();
  return channel;
}

/** 127 layers have to fit into the 4096 bytes of a mount's options. */
export function layerName(diffId: string): string {
  return diffId.slice('sha256:'.length).slice(0, 24);
}

function compare(expected: string, found: string): void {
  if (expected === found) return;
  throw new ImageFormatError(`digest does not match: ${expected} was promised, ${found} came`);
}
