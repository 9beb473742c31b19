import { statfsSync } from 'node:fs';
import { CodedError } from '#base/errors.ts';

/** What images leave of a disk: the store of the cluster and its log go on. */
const SPARE_BYTES = 16 * 2 ** 20;
const SPARE_INODES = 1024;
/** Three layers come at once, and none looks more often: together they take less than there is to spare. */
const STEP_BYTES = 4 * 2 ** 20;

/** @throws CodedError `ENOSPC` where so many bytes would take what a cluster needs to go on. */
export function checkRoom(directory: string, bytes: number): void {
  const { bavail, bsize, files, ffree } = statfsSync(directory);
  const free = bavail * bsize;
  if (free < bytes + SPARE_BYTES) {
    throw full(`${free} bytes are free: ${bytes} more have to leave ${SPARE_BYTES}`);
  }
  // Not every file system counts them.
  if (files > 0 && ffree < SPARE_INODES) throw full(`${ffree} inodes are free: ${SPARE_INODES} have to be left`);
}

function full(what: string): CodedError {
  return new CodedError('ENOSPC', `ENOSPC: no space left on device, of which ${what}`);
}

/** Passes on what will be written to the disk, as long as there is room: nobody knows before how much a little unpacks to. */
export async function* whileRoom(source: AsyncIterable<Uint8Array>, directory: string): AsyncGenerator<Uint8Array> {
  let unchecked = STEP_BYTES;
  for await (const chunk of source) {
    unchecked += chunk.length;
    if (unchecked >= STEP_BYTES) {
      checkRoom(directory, chunk.length);
      unchecked = 0;
    }
    yield chunk;
  }
}
