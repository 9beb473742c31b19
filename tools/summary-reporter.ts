/** The end of a test run in plain lines: what was skipped and why, what failed and how, and the three counts. */
import { relative } from 'node:path';
import process from 'node:process';
import { inspect } from 'node:util';
import { type TestEvent } from 'node:test/reporters';

type Ended = Extract<TestEvent, { type: 'test:pass' | 'test:fail' }>['data'];

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
  /** What each file wrote to standard error: all there is to say when it breaks outside of a test. */
  const stderr = new Map<string, string>();
  for await (const { type, data } of events) {
    switch (type) {
      case 'test:start':
        path.splice(data.nesting, path.length, data.name);
        break;
      case 'test:stderr':
        stderr.set(data.file, `${stderr.get(data.file) ?? ''}${data.message}`.slice(-10_000));
        break;
      case 'test:pass':
        count(summary, data, fullName(path, data), undefined);
        break;
      case 'test:fail':
        count(summary, data, fullName(path, data), failureText(data, stderr));
        break;
      default:
    }
  }
  yield format(summary);
}

function count(summary: Summary, data: Ended, name: string, failure: string | undefined): void {
  if (isSet(data.skip)) summary.skipped.push(`${name}: ${reasonText(data.skip)}`);
  else if (isSet(data.todo)) summary.skipped.push(`${name}: to do: ${reasonText(data.todo)}`);
  else if (failure === undefined) summary.passed += data.details.type === 'suite' ? 0 : 1;
  else if (failure !== '') summary.failed.push(`${name}\n${failure.replace(/^(?=.)/gm, '    ')}`);
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
  if (data.file === undefined || data.name === data.file) return name;
  return `${relative(process.cwd(), data.file)}:${data.line ?? 0}: ${name}`;
}

/** Empty when the failure is only that of the tests inside, which are listed themselves. */
function failureText(data: Ended, stderr: ReadonlyMap<string, string>): string {
  const error = data.details.error as FileError | undefined;
  if (error?.failureType === 'subtestsFailed') return '';
  if (error?.exitCode !== undefined) {
    const end = error.signal === null ? `exit code ${error.exitCode}` : `ended by ${error.signal}`;
    return `the file failed outside of its tests: ${end}\n${stderr.get(data.file ?? '') ?? ''}`.trimEnd();
  }
  const cause = error?.cause ?? error;
  const text = cause instanceof Error ? (cause.stack ?? cause.message) : inspect(cause);
  return text.replace(/\n +at .*\bnode:internal\/.*/g, '');
}

function format({ passed, skipped, failed }: Summary): string {
  const part = (title: string, items: readonly string[]): string =>
    items.length === 0 ? '' : `\n${title}:\n${items.map((item) => `  ${item}\n`).join('')}`;
  const counts = `${passed} passed, ${failed.length} failed, ${skipped.length} skipped`;
  return `${part('skipped', skipped)}${part('failed', failed)}\n${counts}\n`;
}
