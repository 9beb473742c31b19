import { closeSync, fstatSync, openSync, readFileSync, readSync } from 'node:fs';

const MESSAGE_BYTES = 4096;
const LOG_BYTES = 2048;
const LOG_LINES = 80;

/** The end of what a container wrote down about its end, however much that is. */
export function readMessage(file: string): string {
  try {
    const fd = openSync(file, 'r');
    try {
      const start = Math.max(0, fstatSync(fd).size - MESSAGE_BYTES);
      const bytes = Buffer.alloc(MESSAGE_BYTES);
      return bytes.subarray(0, readSync(fd, bytes, 0, MESSAGE_BYTES, start)).toString();
    } finally {
      closeSync(fd);
    }
  } catch {
    return '';
  }
}

/** The end of a container's log, without what the runtime wrote before each line. */
export function readLogEnd(logPath: string): string {
  try {
    const lines = readFileSync(logPath, 'utf8')
      .split('\n')
      .slice(-LOG_LINES - 1);
    const text = lines
      .map((line) => {
        const [, , tag, ...words] = line.split(' ');
        return tag === undefined ? '' : `${words.join(' ')}${tag === 'P' ? '' : '\n'}`;
      })
      .join('');
    return Buffer.from(text).subarray(-LOG_BYTES).toString();
  } catch {
    return '';
  }
}
