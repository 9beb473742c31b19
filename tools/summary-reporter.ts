/** The end of a test run in plain lines: what was skipped and why, what failed and how, and the three counts. */
import { relative, resolve } from 'node:path';
import process from 'node:process';
import { setImmediate } from 'node:timers/promises';
import { inspect } from 'node:util';
import type { TestEvent } from 'node:test/reporters';

type Failed = Extract<TestEvent, { type: 'test:fail' }>['data'];
type Ended = Failed | Extract<TestEvent, { type: 'test:pass' }>['data'];

/** What the runner gives for a test file whose process did not end with 0. */
interface FileError extends Error {
  readonly failureType?: string;
  readonly exitCode?: number | null;
  readonly signal?: string | null;
}

interface Summary {
  passed: number;
  readonly skipped: string[];
  readonly failed: string[];
}

// node:test takes a reporter from a file's default export.
// oxlint-disable-next-line import/no-default-export
export default async function* summaryReporter(events: AsyncIterable<TestEvent>): AsyncGenerator<string> {
  const summary: Summary = { passed: 0, skipped: [], failed: [] };
  /** Names of the tests around the one reported, outermost first. */
  const path: string[] = [];
  /** What was heard of each file beside its tests: all there is to say when it breaks outside of them. */
  const heard = new Map<string, string>();
  for await (const { type, data } of events) {
    switch (type) {
      case 'test:start':
        path.splice(data.nesting, path.length, data.name);
        break;
      case 'test:stderr':
      case 'test:diagnostic':
        hear(heard, data.file ?? '', data.message);
        break;
      case 'test:pass':
        count(summary, data, fullName(path, data), undefined);
        break;
      case 'test:fail':
        count(summary, data, fullName(path, data), failureText(data, heard));
        break;
      default:
    }
  }
  // The reporter beside us has its say first: the counts are the last line of a run.
  await setImmediate();
  yield format(summary);
}

/** The runner names a file as it was told to in some events, and by its whole path in others. */
function hear(heard: Map<string, string>, file: string, message: string): void {
  heard.set(resolve(file), `${heard.get(resolve(file)) ?? ''}${message}`.slice(-10_000));
}

function count(summary: Summary, data: Ended, name: string, failure: string | undefined): void {
  if (isSet(data.skip)) summary.skipped.push(`${name}: ${reasonText(data.skip)}`);
  else if (isSet(data.todo)) summary.skipped.push(`${name}: to do: ${reasonText(data.todo)}`);
  else if (failure === undefined) summary.passed += data.details.type === 'suite' || isFile(data) ? 0 : 1;
  else if (failure !== '') summary.failed.push(`${name}\n${failure.replace(/^(?=.)/gm, '    ')}`);
}

/** The runner reports a file as a test of its own when it fails outside of its tests or has none. */
function isFile(data: Ended): boolean {
  return data.nesting === 0 && resolve(data.name) === data.file;
}

/** A test that is skipped without a reason says `true`, or nothing at all. */
function isSet(value: string | boolean | undefined): boolean {
  return value !== undefined && value !== false;
}

function reasonText(value: string | boolean | undefined): string {
  return typeof value === 'string' && value !== '' ? value : 'no reason given';
}

function fullName(path: readonly string[], data: Ended): string {
  const name = [...path.slice(0, data.nesting), data.name].join(' > ');
  if (data.file === undefined || isFile(data)) return name;
  return `${relative(process.cwd(), data.file)}:${data.line ?? 0}: ${name}`;
}

/** Empty when the failure is only that of the tests inside, which are listed themselves. */
function failureText(data: Failed, heard: ReadonlyMap<string, string>): string {
  const error = data.details.error as FileError | undefined;
  if (error?.failureType === 'subtestsFailed') return '';
  if (error?.exitCode !== undefined) {
    const end = error.signal === null ? `exit code ${error.exitCode}` : `ended by ${error.signal}`;
    return `the file failed outside of its tests: ${end}\n${heard.get(data.file ?? '') ?? ''}`.trimEnd();
  }
  const cause = error?.cause ?? error;
  const text = cause instanceof Error ? (cause.stack ?? cause.message) : inspect(cause);
  return text.replace(/\n +at .*\bnode:(internal\/|async_hooks).*/g, '');
}

function format({ passed, skipped, failed }: Summary): string {
  const part = (title: string, items: readonly string[]): string =>
    items.length === 0 ? '' : `\n${title}:\n${items.map((item) => `  ${item}\n`).join('')}`;
  const counts = `${passed} passed, ${failed.length} failed, ${skipped.length} skipped`;
  return `${part('skipped', skipped)}${part('failed', failed)}\n${counts}\n`;
}
