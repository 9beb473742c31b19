import assert from 'node:assert/strict';
import { test } from 'node:test';
import { lastTime, nextTime, parseSchedule } from './cron-schedule.ts';

const iso = (ms: number | undefined): string | undefined =>
  ms === undefined ? undefined : new Date(ms).toISOString().replace(':00.000Z', '');

const nexts = [
  { schedule: '* * * * *', after: '2026-01-01T00:00', is: '2026-01-01T00:01' },
  { schedule: '*/15 * * * *', after: '2026-01-01T00:15', is: '2026-01-01T00:30' },
  { schedule: '5/20 * * * *', after: '2026-01-01T00:26', is: '2026-01-01T00:45' },
  { schedule: '0 9-17/4 * * MON-FRI', after: '2026-01-02T13:30', is: '2026-01-02T17:00' },
  { schedule: '0 9-17/4 * * MON-FRI', after: '2026-01-02T17:00', is: '2026-01-05T09:00' },
  { schedule: '0 0 1 jan,JUL ?', after: '2026-01-01T00:00', is: '2026-07-01T00:00' },
  { schedule: '0 0 13 * 5', after: '2026-01-01T00:00', is: '2026-01-02T00:00' },
  { schedule: '0 0 29 2 *', after: '2026-01-01T00:00', is: '2028-02-29T00:00' },
  { schedule: '0 0 30 2 *', after: '2026-01-01T00:00', is: undefined },
  { schedule: '@hourly', after: '2026-01-01T00:59', is: '2026-01-01T01:00' },
  { schedule: '@weekly', after: '2026-01-01T00:00', is: '2026-01-04T00:00' },
  { schedule: '@yearly', after: '2026-01-01T00:00', is: '2027-01-01T00:00' },
  { schedule: '@every 1h30m', after: '2026-01-01T00:00', is: '2026-01-01T01:30' },
  { schedule: '0 8 * * *', zone: 'Asia/Kolkata', after: '2026-01-01T00:00', is: '2026-01-01T02:30' },
  { schedule: '0 0 1 * *', zone: 'America/New_York', after: '2026-06-15T00:00', is: '2026-07-01T04:00' },
  // Clocks go from 2:00 to 3:00 on 29 March, and from 3:00 back to 2:00 on 25 October.
  { schedule: '30 2 * * *', zone: 'Europe/Berlin', after: '2026-03-28T12:00', is: '2026-03-30T00:30' },
  { schedule: '30 2 * * *', zone: 'Europe/Berlin', after: '2026-10-24T12:00', is: '2026-10-25T00:30' },
  { schedule: '30 2 * * *', zone: 'Europe/Berlin', after: '2026-10-25T00:30', is: '2026-10-25T01:30' },
];

for (const { schedule, zone = 'UTC', after, is } of nexts) {
  test(`nextTime() of "${schedule}" in ${zone} after ${after}`, () => {
    assert.equal(iso(nextTime(parseSchedule(schedule), Date.parse(`${after}Z`), zone)), is);
  });
}

const errors = [
  { schedule: '', why: 'expected 5 fields, found 0' },
  { schedule: '* * * *', why: 'expected 5 fields, found 4' },
  { schedule: '60 * * * *', why: '60 is not within 0 and 59' },
  { schedule: '* * 0 * *', why: '0 is not within 1 and 31' },
  { schedule: '* * * * 7', why: '7 is not within 0 and 6' },
  { schedule: '* * * * foo', why: 'bad value "foo"' },
  { schedule: '9-5 * * * *', why: 'bad range "9-5"' },
  { schedule: '*/0 * * * *', why: 'bad step in "*/0"' },
  { schedule: '1-2-3 * * * *', why: 'bad range "1-2-3"' },
  { schedule: '@sometimes', why: 'unknown macro' },
  { schedule: '@every soon', why: 'bad duration "soon"' },
];

for (const { schedule, why } of errors) {
  test(`parseSchedule() refuses "${schedule}"`, () => {
    assert.throws(() => parseSchedule(schedule), { message: `Cannot parse schedule "${schedule}": ${why}` });
  });
}

const lasts = [
  { schedule: '0 * * * *', since: '2026-01-01T00:00', now: '2026-01-01T00:59', is: undefined },
  { schedule: '0 * * * *', since: '2026-01-01T00:00', now: '2026-01-01T01:00', is: '2026-01-01T01:00 1' },
  { schedule: '0 * * * *', since: '2026-01-01T00:00', now: '2026-01-01T03:10', is: '2026-01-01T03:00 3' },
  { schedule: '* 0 1 1 *', since: '2026-01-01T00:00', now: '2026-06-01T03:10', is: '2026-01-01T00:59 many' },
  { schedule: '* * * * *', since: '2025-01-01T00:00', now: '2026-01-01T03:10', is: '2026-01-01T03:10 many' },
];

for (const { schedule, since, now, is } of lasts) {
  test(`lastTime() of "${schedule}" since ${since} at ${now}`, () => {
    const last = lastTime(parseSchedule(schedule), Date.parse(`${since}Z`), Date.parse(`${now}Z`), 'UTC');
    assert.equal(last && `${iso(last.at)} ${last.missed > 100 ? 'many' : last.missed}`, is);
  });
}
