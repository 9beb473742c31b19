import process from 'node:process';
import { systemClock } from '#base/clock.ts';
import { CodedError, errorMessage } from '#base/errors.ts';
import { askCluster } from '#cluster/control-socket.ts';
import { isUp } from '#cluster/process-table.ts';
import { readConfig, type StateDir } from '#cluster/state-dir.ts';
import type { ImageRecord } from '#node/image/image-record.ts';
import { ImageStore } from '#node/image/image-store-agent.ts';
import { userKeyring } from '#node/image/user-keyring-agent.ts';
import { formatReference, ImageNameError, parseReference } from '#node/image/reference.ts';
import { type Action, chosenAction } from './action.ts';
import { EXIT_INTERRUPTED } from './exit-codes.ts';
import { formatBytes, formatAge, shortName } from './image-format.ts';
import { loadImages, pullImage } from './image-fetch.ts';
import { existingStateDir, oneOf, readCommandLine, text } from './options.ts';
import { SignalWatch } from './signal-watch.ts';
import { table } from './table.ts';
import { usageError } from './usage-error.ts';

interface Request {
  readonly dir: StateDir;
  readonly words: readonly string[];
  readonly output: 'text' | 'json';
  /** A name for what an archive gives none. */
  readonly tag: string | undefined;
  readonly signal: AbortSignal;
}

const ACTIONS: Readonly<Record<string, Action<Request>>> = {
  load: { act: load, most: Infinity, option: 'tag' },
  pull: { act: pull, most: Infinity },
  list: { act: list, most: 0 },
  remove: { act: remove, most: Infinity },
  prune: { act: prune, most: 0 },
};

/** Images of one cluster, whether it runs or not. */
export async function image(args: readonly string[]): Promise<number> {
  const { options, words } = readCommandLine(args, {
    name: 'string',
    'data-dir': 'string',
    tag: 'string',
    output: 'string',
  });
  const output = oneOf('output', options.output, ['text', 'json'], 'text');
  const action = chosenAction(ACTIONS, { command: 'image', words, options });
  const dir = existingStateDir(options);
  using signals = new SignalWatch();
  const abort = new AbortController();
  void signals.received.then(() => abort.abort(new CodedError('EINTERRUPTED', 'interrupted')));
  try {
    await action.act({ dir, words: action.words, output, tag: text(options.tag), signal: abort.signal });
  } catch (error) {
    if (abort.signal.aborted) return EXIT_INTERRUPTED;
    if (error instanceof ImageNameError) throw usageError(error.message);
    throw error;
  }
  return 0;
}

async function load({ dir, words, output, tag, signal }: Request): Promise<void> {
  if (words.length === 0) throw usageError('Cannot load images: no file was named (- is standard input)');
  if (tag !== undefined) parseReference(tag);
  const records: ImageRecord[] = [];
  const store = openStore(dir);
  for (const file of words) {
    const loaded = await loadImages(store, {
      file,
      tag,
      scratchDir: `${dir.imagesDir}/downloads`,
      signal,
      quiet: output === 'json',
    });
    if (output === 'text') for (const record of loaded) process.stdout.write(`loaded ${describe(record)}\n`);
    records.push(...loaded);
  }
  if (output === 'json') printJson(records);
  const latest = records.find(({ name }) => parseReference(name).tag === 'latest');
  if (latest !== undefined && output === 'text') {
    process.stderr.write(
      `note: Pods of ${shortName(latest.name)} ask its registry each time, unless they say imagePullPolicy: IfNotPresent\n`,
    );
  }
}

async function pull({ dir, words, output, signal }: Request): Promise<void> {
  if (words.length === 0) throw usageError('Cannot pull an image: none was named');
  const records: ImageRecord[] = [];
  const store = openStore(dir);
  for (const name of words) {
    const record = await pullImage(store, { name, signal, quiet: output === 'json' });
    if (output === 'text') process.stdout.write(`pulled ${describe(record)}\n`);
    records.push(record);
  }
  if (output === 'json') printJson(records);
}

function list({ dir, output }: Request): Promise<void> {
  const records = openStore(dir).list();
  if (output === 'json') {
    printJson(records);
    return Promise.resolve();
  }
  if (records.length === 0) {
    process.stderr.write('There are no images; the image "host" is always there, others come with their first Pod.\n');
    return Promise.resolve();
  }
  const now = systemClock.now();
  const rows = records.map(({ name, id, bytes, createdAt }) => [
    shortName(name),
    idOf(id),
    formatBytes(bytes),
    formatAge(now - createdAt),
  ]);
  process.stdout.write(table(['IMAGE', 'IMAGE ID', 'SIZE', 'AGE'], rows));
  return Promise.resolve();
}

async function remove({ dir, words, output }: Request): Promise<void> {
  if (words.length === 0) throw usageError('Cannot remove an image: none was named');
  const asked = words.map((word) => ({ word, name: nameOf(dir, word) }));
  const images = asked.flatMap(({ name }) => name ?? []);
  const removed = isUp(dir)
    ? await askCluster(dir, { kind: 'image-remove', images })
    : images.flatMap((name) => openStore(dir).remove(name)?.name ?? []);
  report(removed, output);
  const missing = asked.find(({ name }) => name === undefined || !removed.includes(name));
  if (missing === undefined) return;
  throw new CodedError('ENOIMAGE', `Cannot remove image ${JSON.stringify(missing.word)}: it is not here`, {
    hint: 'see clusterip image list',
  });
}

async function prune({ dir, output }: Request): Promise<void> {
  if (!isUp(dir)) {
    throw new CodedError('ENOTRUNNING', 'Cannot tell which images are in use: the cluster is not running', {
      hint: 'start it with clusterip up, or name images to clusterip image remove',
    });
  }
  report(await askCluster(dir, { kind: 'image-prune' }), output);
}

function report(removed: readonly string[], output: 'text' | 'json'): void {
  if (output === 'json') printJson(removed);
  else for (const name of removed) process.stdout.write(`removed ${shortName(name)}\n`);
}

/** By its name, or by the beginning of its id as `list` shows it. */
function nameOf(dir: StateDir, word: string): string | undefined {
  const records = openStore(dir).list();
  if (/^(sha256:)?[0-9a-f]{6,64}$/.test(word)) {
    const id = word.replace(/^sha256:/, '');
    const found = records.find((record) => record.id.startsWith(`sha256:${id}`));
    if (found !== undefined) return found.name;
  }
  return formatReference(parseReference(word));
}

function openStore(dir: StateDir): ImageStore {
  try {
    return new ImageStore(dir.imagesDir, systemClock, {
      mirrors: readConfig(dir)?.registryMirrors ?? {},
      keyring: userKeyring(process.env),
    });
  } catch (error) {
    throw new CodedError('EIMAGES', `Cannot use the images in "${dir.imagesDir}": ${errorMessage(error)}`, {
      cause: error,
      hint: 'they belong to the user who started the cluster',
    });
  }
}

function describe({ name, id, bytes }: ImageRecord): string {
  return `${shortName(name)} (${idOf(id)}, ${formatBytes(bytes)})`;
}

function idOf(id: string): string {
  return id.replace('sha256:', '').slice(0, 12);
}

function printJson(value: unknown): void {
  process.stdout.write(`${JSON.stringify(value, null, 2)}\n`);
}
