import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ManualClock } from '#base/clock.ts';
import { silentLog } from '#base/log.ts';
import type { CoreEvent, Node, Pod } from '#api/generated/types.ts';
import { createClient } from './api-client.ts';
import { createEventRecorder, type EventRecorder } from './events.ts';
import { inProcessTransport } from './in-process-transport.ts';
import { failure, FakeApi } from './testing/fake-api.ts';

const pod = {
  apiVersion: 'v1',
  kind: 'Pod',
  metadata: { namespace: 'd', name: 'p', uid: 'u', resourceVersion: '7' },
} as Pod;
const node = { apiVersion: 'v1', kind: 'Node', metadata: { name: 'n', uid: 'v', resourceVersion: '8' } } as Node;

function fixture(): { api: FakeApi; clock: ManualClock; recorder: EventRecorder } {
  const clock = new ManualClock();
  const api = new FakeApi(clock);
  const client = createClient(inProcessTransport(api.handle, { username: 't', groups: [] }));
  return { api, clock, recorder: createEventRecorder({ client, clock, log: silentLog, component: 'scheduler' }) };
}

test('record() writes an Event, and a repeat as a higher count of it', async () => {
  const { api, clock, recorder } = fixture();
  recorder.record(pod, 'Normal', 'Scheduled', 'went to n');
  await clock.advance(5000);
  recorder.record(pod, 'Normal', 'Scheduled', 'went to n');
  await recorder.flush();
  const [event, ...others] = api.all<CoreEvent>('events');
  assert.deepEqual(others, []);
  const { metadata, ...rest } = event as CoreEvent;
  assert.equal(metadata.namespace, 'd');
  assert.match(metadata.name, /^p\.[0-9a-f]{16}$/);
  assert.deepEqual(rest, {
    apiVersion: 'v1',
    kind: 'Event',
    involvedObject: { apiVersion: 'v1', kind: 'Pod', namespace: 'd', name: 'p', uid: 'u', resourceVersion: '7' },
    reason: 'Scheduled',
    message: 'went to n',
    type: 'Normal',
    source: { component: 'scheduler' },
    firstTimestamp: '2026-01-01T00:00:00Z',
    lastTimestamp: '2026-01-01T00:00:05Z',
    count: 2,
    reportingComponent: 'scheduler',
    reportingInstance: '',
  });
});

test('record() puts events of a cluster-wide object into the default namespace', async () => {
  const { api, recorder } = fixture();
  recorder.record(node, 'Normal', 'NodeReady', 'is ready');
  await recorder.flush();
  assert.equal(api.all('events')[0]?.metadata.namespace, 'default');
});

test('record() names events so that they sort as they came, within a millisecond too', async () => {
  const { api, clock, recorder } = fixture();
  const reasons = ['Scheduled', 'Pulled', 'Created', 'Started', 'Killing'];
  for (const reason of reasons) {
    recorder.record(pod, 'Normal', reason, '');
    if (reason === 'Pulled') await clock.advance(1);
  }
  await recorder.flush();
  const found = api.all<CoreEvent>('events').map(({ metadata, reason }) => ({ name: metadata.name, reason }));
  assert.deepEqual(
    found.sort((a, b) => (a.name < b.name ? -1 : 1)).map(({ reason }) => reason),
    reasons,
  );
});

test('record() drops what the server refuses, and goes on', async () => {
  const { api, recorder } = fixture();
  api.intercept = () => failure(403, 'Forbidden', 'namespace is being terminated');
  recorder.record(pod, 'Normal', 'A', 'a');
  await recorder.flush();
  api.intercept = undefined;
  recorder.record(pod, 'Normal', 'B', 'b');
  await recorder.flush();
  assert.deepEqual(
    api.all<CoreEvent>('events').map(({ reason }) => reason),
    ['B'],
  );
});

test('record() stops a flood from one object, and lets one through each five minutes', async () => {
  const { api, clock, recorder } = fixture();
  for (let i = 0; i < 100; i++) recorder.record(pod, 'Warning', 'Loop', `try ${i}`);
  await recorder.flush();
  const counts = (): number => api.all<CoreEvent>('events').reduce((sum, { count = 0 }) => sum + count, 0);
  assert.equal(counts(), 25);
  await clock.advance(300_000);
  for (let i = 0; i < 100; i++) recorder.record(pod, 'Warning', 'Loop', `again ${i}`);
  await recorder.flush();
  assert.equal(counts(), 26);
});

test('record() combines what differs by its message alone, from the tenth on', async () => {
  const { api, clock, recorder } = fixture();
  const shown = (): readonly string[] =>
    api.all<CoreEvent>('events').map(({ message, count }) => `${message}${count === 1 ? '' : ` x${count}`}`);
  for (let i = 1; i <= 12; i++) recorder.record(pod, 'Normal', 'Created', `made ${i}`);
  recorder.record(pod, 'Normal', 'Created', 'made 3');
  recorder.record(pod, 'Normal', 'Killing', 'made 13');
  await recorder.flush();
  const first = [1, 2, 3, 4, 5, 6, 7, 8, 9].map((i) => (i === 3 ? 'made 3 x2' : `made ${i}`));
  const combined = '(combined from similar events): made 12 x3';
  assert.deepEqual(shown(), [...first, combined, 'made 13']);
  await clock.advance(600_001);
  recorder.record(pod, 'Normal', 'Created', 'made 14');
  await recorder.flush();
  assert.deepEqual(shown(), [...first, combined, 'made 13', 'made 14']);
});
