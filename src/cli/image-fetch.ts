import { createReadStream, statSync } from 'node:fs';
import process from 'node:process';
import { systemClock } from '#base/clock.ts';
import { CodedError, errorCode, errorMessage } from '#base/errors.ts';
import { loadArchive } from '#node/image/archive-agent.ts';
import type { ImageRecord } from '#node/image/image-record.ts';
import type { ImageStore } from '#node/image/image-store-agent.ts';
import { ImageNameError } from '#node/image/reference.ts';
import { formatBytes } from './image-format.ts';
import { Progress } from './progress.ts';

export interface LoadRequest {
  /** `-` is standard input. */
  readonly file: string;
  readonly tag: string | undefined;
  readonly scratchDir: string;
  readonly signal: AbortSignal;
  readonly quiet: boolean;
}

export async function loadImages(
  store: ImageStore,
  { file, tag, scratchDir, signal, quiet }: LoadRequest,
): Promise<readonly ImageRecord[]> {
  const progress = new Progress(process.stderr, systemClock, !quiet);
  try {
    const total = file === '-' ? undefined : sizeOf(file);
    const source = file === '-' ? process.stdin : createReadStream(file);
    const counted = count(source, signal, (done) => {
      const part = total === undefined || total === 0 ? formatBytes(done) : percent(done, total);
      progress.show(`loading ${file}: ${part}`);
    });
    return await loadArchive(store, counted, { name: tag, scratchDir });
  } catch (error) {
    if (signal.aborted || error instanceof ImageNameError) throw error;
    throw new CodedError('EIMAGELOAD', `Cannot load ${JSON.stringify(file)}: ${reasonOf(error)}`, {
      cause: error,
      hint: 'it takes what docker save, podman save or skopeo copy (docker-archive:, oci-archive:) write',
    });
  } finally {
    progress.clear();
  }
}

async function* count(
  source: AsyncIterable<Uint8Array>,
  signal: AbortSignal,
  onBytes: (done: number) => void,
): AsyncGenerator<Uint8Array> {
  let done = 0;
  for await (const chunk of source) {
    signal.throwIfAborted();
    onBytes((done += chunk.length));
    yield chunk;
  }
}

function sizeOf(file: string): number {
  const stat = statSync(file);
  if (stat.isDirectory()) throw new Error('it is a directory; an archive is one file');
  return stat.size;
}

function reasonOf(error: unknown): string {
  const known: Readonly<Record<string, string>> = {
    ENOENT: 'there is no such file',
    EACCES: 'permission denied',
    ENOSPC: 'no space left on device',
  };
  return known[errorCode(error) ?? ''] ?? errorMessage(error);
}

export interface PullRequest {
  readonly name: string;
  readonly signal: AbortSignal;
  readonly quiet: boolean;
}

export async function pullImage(store: ImageStore, { name, signal, quiet }: PullRequest): Promise<ImageRecord> {
  const progress = new Progress(process.stderr, systemClock, !quiet);
  progress.show(`pulling ${name}`);
  try {
    return await store.pull(name, {
      credentials: [],
      signal,
      onProgress: (done, total) => progress.show(`pulling ${name}: ${percent(done, total)}`),
    });
  } catch (error) {
    if (signal.aborted || error instanceof ImageNameError) throw error;
    throw new CodedError('EIMAGEPULL', `Cannot pull ${JSON.stringify(name)}: ${reasonOf(error)}`, { cause: error });
  } finally {
    progress.clear();
  }
}

function percent(done: number, total: number): string {
  return total === 0 ? formatBytes(done) : `${Math.floor((100 * done) / total)}% of ${formatBytes(total)}`;
}
