import { closeSync, mkdirSync, openSync, readFileSync, rmSync, writeSync } from 'node:fs';
import { dirname } from 'node:path';
import process from 'node:process';
import { CodedError, errorCode } from '#base/errors.ts';
import { processStart } from './process-table.ts';

/**
 * Takes a lock that is a file: whoever creates it holds it until it is disposed. One whose process has ended is taken over.
 * @throws CodedError `ELOCKED` when a living process holds it
 */
export function takeLock(file: string): Disposable {
  mkdirSync(dirname(file), { recursive: true, mode: 0o700 });
  if (!tryCreate(file)) {
    const holder = holderOf(file);
    if (holder !== undefined) throw new CodedError('ELOCKED', `Cannot take "${file}": process ${holder} holds it`);
    rmSync(file, { force: true });
    if (!tryCreate(file)) throw new CodedError('ELOCKED', `Cannot take "${file}": another process was faster`);
  }
  return { [Symbol.dispose]: () => rmSync(file, { force: true }) };
}

function tryCreate(file: string): boolean {
  try {
    const fd = openSync(file, 'wx', 0o600);
    writeSync(fd, `${process.pid} ${processStart(process.pid) ?? ''}\n`);
    closeSync(fd);
    return true;
  } catch (error) {
    if (errorCode(error) === 'EEXIST') return false;
    throw error;
  }
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
