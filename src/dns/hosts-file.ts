import { readFileSync, statSync } from 'node:fs';
import type { Clock } from '#base/clock.ts';
import { errorMessage } from '#base/errors.ts';
import type { Log } from '#base/log.ts';
import type { HostsConfig } from './corefile/server-config.ts';
import { type Hosts, parseHosts } from './hosts.ts';

/** A hosts file as it is now, and the lines of the configuration with it. */
export interface HostsFile extends Disposable {
  readonly hosts: Hosts;
  /** Of the configuration; empty where there are its lines only. */
  readonly file: string;
  /** When the file as it is was written, ms since 1970. */
  readonly writtenAt: number;
}

/** Looks for changes as often as the configuration says; a file that is gone has no names. */
export function followHosts({ file, inline, reloadMs }: HostsConfig, clock: Clock, log: Log): HostsFile {
  let stamp = '';
  let writtenAt = 0;
  let current = parseHosts(inline.join('\n'));
  const read = (): void => {
    if (file === undefined) return;
    try {
      const { mtimeMs, size } = statSync(file);
      if (stamp === `${mtimeMs} ${size}`) return;
      stamp = `${mtimeMs} ${size}`;
      writtenAt = mtimeMs;
      current = parseHosts(`${readFileSync(file, 'utf8')}\n${inline.join('\n')}`);
    } catch (error) {
      if (stamp !== 'none') log.warn('hosts file cannot be read', { file, error: errorMessage(error) });
      stamp = 'none';
      current = parseHosts(inline.join('\n'));
    }
  };
  read();
  let timer: Disposable | undefined;
  const again = (): void => {
    timer = clock.after(reloadMs, () => {
      read();
      again();
    });
  };
  if (file !== undefined && reloadMs > 0) again();
  return {
    get hosts() {
      return current;
    },
    get writtenAt() {
      return writtenAt;
    },
    file: file ?? '',
    [Symbol.dispose]: () => timer?.[Symbol.dispose](),
  };
}
