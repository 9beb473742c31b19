import { existsSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { CodedError, errorMessage } from '#base/errors.ts';
import { DEFAULT_CONFIG } from '#cluster/config.ts';
import { listStateDirs, stateDirAt, stateRoot, type StateDir } from '#cluster/state-dir.ts';
import { bothGiven, usageError } from './usage-error.ts';

export type OptionKind = 'string' | 'boolean';

/**
 * Reads `--name value` and `--name=value`; `allowed` says which there are.
 * @throws CodedError `EUSAGE` naming the first one that is wrong.
 */
export function readOptions<K extends string>(
  args: readonly string[],
  allowed: Readonly<Record<K, OptionKind>>,
): { readonly [P in K]?: string | boolean } {
  return readCommandLine(args, allowed, false).options;
}

/** The same, and the words among them where `words` says that there may be any. */
export function readCommandLine<K extends string>(
  args: readonly string[],
  allowed: Readonly<Record<K, OptionKind>>,
  words: boolean = true,
): { readonly options: { readonly [P in K]?: string | boolean }; readonly words: readonly string[] } {
  try {
    const { values, positionals } = parseArgs({
      args: [...args],
      options: Object.fromEntries(Object.entries<OptionKind>(allowed).map(([name, type]) => [name, { type }])),
      strict: true,
      allowPositionals: words,
    });
    return { options: values as { [P in K]?: string | boolean }, words: positionals };
  } catch (error) {
    // Node's text goes on with advice, some of it on further lines, that does not apply here.
    const text = errorMessage(error).split(/\.\s/)[0] ?? '';
    throw usageError(text.replace(/^(Option '--[^']*') argument is ambiguous$/, '$1 argument missing'), error);
  }
}

export function text(value: string | boolean | undefined): string | undefined {
  return typeof value === 'string' ? value : undefined;
}

export function wholeNumber(name: string, value: string | boolean | undefined, least: number = 0): number | undefined {
  if (value === undefined) return undefined;
  if (typeof value !== 'string' || !/^\d{1,9}$/.test(value)) {
    throw usageError(`Cannot read --${name} "${value}": it must be a whole number`);
  }
  if (Number(value) < least) throw usageError(`Cannot use --${name} ${value}: it must be ${least} or more`);
  return Number(value);
}

export function oneOf<T extends string>(
  name: string,
  value: string | boolean | undefined,
  choices: readonly T[],
  fallback: T,
): T {
  if (value === undefined) return fallback;
  const choice = choices.find((candidate) => candidate === value);
  if (choice !== undefined) return choice;
  throw usageError(`Cannot use --${name} "${value}": it must be ${choices.join(' or ')}`);
}

/** The state directory that `--data-dir` or `--name` mean. */
export function chosenStateDir(options: {
  readonly name?: string | boolean;
  readonly 'data-dir'?: string | boolean;
}): StateDir {
  const dataDir = text(options['data-dir']);
  if (dataDir === '') {
    // A variable that is not set in a script; resolved, it would be the working directory.
    throw usageError('Cannot use --data-dir "": it names no directory');
  }
  if (dataDir !== undefined) return stateDirAt(resolve(dataDir));
  return stateDirAt(join(stateRoot(), text(options.name) ?? DEFAULT_CONFIG.name));
}

/** The chosen directory, which must hold a cluster: `down --purge` deletes it whole. */
export function existingStateDir(options: Parameters<typeof chosenStateDir>[0]): StateDir {
  if (options.name !== undefined && options['data-dir'] !== undefined) throw bothGiven('name', 'data-dir');
  const dir = chosenStateDir(options);
  if (text(options['data-dir']) !== undefined) {
    if (existsSync(dir.configFile)) return dir;
    throw new CodedError('ENOCLUSTER', `Cannot find a cluster in "${dir.path}"`, { hint: 'choose another --data-dir' });
  }
  const known = listStateDirs();
  if (!known.includes(text(options.name) ?? DEFAULT_CONFIG.name)) {
    throw new CodedError('ENOCLUSTER', `Cannot find a cluster named "${text(options.name) ?? DEFAULT_CONFIG.name}"`, {
      hint: known.length === 0 ? 'start one with clusterip up' : `there is ${known.join(', ')}: choose one with --name`,
    });
  }
  return dir;
}
