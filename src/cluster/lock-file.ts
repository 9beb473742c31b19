import { linkSync, mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';
import process from 'node:process';
import { threadId } from 'node:worker_threads';
import { CodedError, errorCode, errorMessage } from '#base/errors.ts';
import { processStart } from './process-table.ts';

/**
 * Takes a lock that is a file: whoever creates it holds it until it is disposed. One whose process has ended is taken over.
 * @throws CodedError `ELOCKED` when a living process holds it
 */
export function takeLock(file: string): Disposable {
  mkdirSync(dirname(file), { recursive: true, mode: 0o700 });
  const own = `${file}.${process.pid}.${threadId}`;
  writeOwn(own, file);
  try {
    if (!tryLink(own, file)) {
      const holder = holderOf(file);
      if (holder !== undefined) throw new CodedError('ELOCKED', `Cannot take "${file}": process ${holder} holds it`);
      moveAway(file, `${own}.old`);
      if (!tryLink(own, file)) throw new CodedError('ELOCKED', `Cannot take "${file}": another process was faster`);
    }
  } finally {
    rmSync(own, { force: true });
  }
  return { [Symbol.dispose]: () => rmSync(file, { force: true }) };
}

function writeOwn(own: string, file: string): void {
  try {
    writeFileSync(own, `${process.pid} ${processStart(process.pid) ?? ''}\n`, { mode: 0o600 });
  } catch (error) {
    // The name that it has for a moment says nothing to anybody.
    throw new CodedError(errorCode(error) ?? 'ELOCK', errorMessage(error).replace(own, file), { cause: error });
  }
}

/** The file is there with its text in it, or not at all: one that is empty for a moment would be nobody's. */
function tryLink(own: string, file: string): boolean {
  try {
    linkSync(own, file);
    return true;
  } catch (error) {
    if (errorCode(error) === 'EEXIST') return false;
    throw error;
  }
}

/** Another may have taken the lock over since it was looked at: then it gets back what was moved. */
function moveAway(file: string, aside: string): void {
  try {
    renameSync(file, aside);
  } catch (error) {
    if (errorCode(error) === 'ENOENT') return;
    throw error;
  }
  if (holderOf(aside) !== undefined) tryLink(aside, file);
  rmSync(aside, { force: true });
}

/** The start time tells the process from a later one of the same number. */
function holderOf(file: string): string | undefined {
  try {
    const [pid = '', start = ''] = readFileSync(file, 'utf8').trim().split(' ');
    return pid !== '' && processStart(Number(pid)) === start ? pid : undefined;
  } catch {
    return undefined;
  }
}
