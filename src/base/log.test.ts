import assert from 'node:assert/strict';
import test from 'node:test';
import { createLog, formatRecord, silentLog, type LogRecord } from './log.ts';

test('a log hands records to its sink', () => {
  const records: LogRecord[] = [];
  const log = createLog('proxy', (record) => records.push(record));
  log.debug('a');
  log.info('b', { n: 1 });
  log.warn('c');
  log.error('d');
  assert.deepEqual(records, [
    { level: 'debug', room: 'proxy', message: 'a', fields: {} },
    { level: 'info', room: 'proxy', message: 'b', fields: { n: 1 } },
    { level: 'warn', room: 'proxy', message: 'c', fields: {} },
    { level: 'error', room: 'proxy', message: 'd', fields: {} },
  ]);
  silentLog.error('nobody hears');
});

const circular: Record<string, unknown> = {};
circular['self'] = circular;

const cases: readonly (readonly [Readonly<Record<string, unknown>>, string])[] = [
  [{}, ''],
  [{ errno: 16, name: 'web' }, ' errno=16 name=web'],
  [{ gone: undefined, nothing: null, yes: true }, ' nothing=null yes=true'],
  [{ error: 'no such device' }, ' error="no such device"'],
  [{ error: 'two\nlines' }, ' error="two\\nlines"'],
  [{ text: '', query: 'a=b' }, ' text="" query="a=b"'],
  [{ error: new Error('it broke') }, ' error="it broke"'],
  [{ handle: 18_446_744_073_709_551_615n }, ' handle="18446744073709551615"'],
  [{ list: [1, 'a', 2n] }, ' list=[1,"a","2"]'],
  [{ circular }, ' circular=[object Object]'],
];

for (const [fields, expected] of cases) {
  test(`fields are written as:${expected}`, () => {
    const line = formatRecord({ level: 'warn', room: 'proxy', message: 'commit failed', fields });
    assert.equal(line, `warn proxy: commit failed${expected}`);
  });
}
