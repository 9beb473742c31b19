import { globSync, readFileSync } from 'node:fs';
import { networkInterfaces } from 'node:os';
import { dirname, isAbsolute, join } from 'node:path';
import { CodedError, errorMessage } from '#base/errors.ts';
import { parseCorefile, type SourceFile } from './corefile/corefile.ts';
import { readServers } from './corefile/servers.ts';
import type { ServerConfig } from './corefile/server-config.ts';
import type { Environment } from './corefile/tokens.ts';

export interface CorefileRead {
  /** Of all files that it is made of, as far as they could be read: what changes when one does. */
  readonly fingerprint: string;
  /** @throws CodedError that names the file, and the line where there is one. */
  readonly servers: () => readonly ServerConfig[];
}

/** A Corefile with what it imports. */
export function readCorefile(file: string, env: Environment): CorefileRead {
  const texts: string[] = [];
  const read = (path: string): SourceFile => {
    try {
      const text = readFileSync(path, 'utf8');
      texts.push(path, text);
      return { file: path, text };
    } catch (error) {
      throw new CodedError('ECOREFILE', `Cannot read "${path}": ${errorMessage(error)}`, {
        hint: 'name another file with --corefile',
        cause: error,
      });
    }
  };
  const imported = (pattern: string, from: string): readonly SourceFile[] | undefined => {
    const path = isAbsolute(pattern) ? pattern : join(dirname(from), pattern);
    // A pattern may mean nothing yet: distributions import files that users may write.
    if (!/[*?[]/.test(pattern)) return globSync(path).length === 0 ? undefined : [read(path)];
    return globSync(path).toSorted().map(read);
  };
  let servers: () => readonly ServerConfig[];
  try {
    const found = readServers(parseCorefile(read(file), { env, imported }), interfaceAddresses);
    servers = () => found;
  } catch (error) {
    servers = () => {
      throw error;
    };
  }
  return { servers, fingerprint: texts.join('\n') };
}

/** Without those that are good for nothing beyond their link. */
function interfaceAddresses(name: string): readonly string[] | undefined {
  const found = networkInterfaces()[name];
  return found?.map(({ address }) => address).filter((address) => !address.startsWith('fe80:'));
}
