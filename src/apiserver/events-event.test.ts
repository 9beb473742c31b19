import assert from 'node:assert/strict';
import test from 'node:test';
import { outcome, show, TestServer } from './testing/test-server.ts';

const OLD = '/api/v1/namespaces/default/events';
const NEW = '/apis/events.k8s.io/v1/namespaces/default/events';
const BODY = {
  metadata: { name: 'e' },
  eventTime: '2026-01-01T00:00:00.000000Z',
  reportingController: 'c',
  reportingInstance: 'c-1',
  action: 'Act',
  reason: 'Because',
  regarding: { kind: 'Pod', name: 'p', namespace: 'default' },
  note: 'so it is',
  type: 'Normal',
};

test('an Event is the same in both groups', async () => {
  await using server = await TestServer.start();
  assert.equal(
    show(await server.post(NEW, BODY)),
    '201 {"kind":"Event","apiVersion":"events.k8s.io/v1","metadata":{"name":"e","namespace":"default","uid":"uid","creationTimestamp":"2026-01-01T00:00:00Z","resourceVersion":"4"},"eventTime":"2026-01-01T00:00:00.000000Z","reportingController":"c","reportingInstance":"c-1","action":"Act","reason":"Because","regarding":{"kind":"Pod","name":"p","namespace":"default"},"note":"so it is","type":"Normal","deprecatedSource":{}}',
  );
  assert.equal(
    show(await server.get(`${OLD}/e`)),
    '200 {"kind":"Event","apiVersion":"v1","metadata":{"resourceVersion":"4","name":"e","namespace":"default","uid":"uid","creationTimestamp":"2026-01-01T00:00:00Z"},"involvedObject":{"kind":"Pod","name":"p","namespace":"default"},"reason":"Because","message":"so it is","source":{},"type":"Normal","eventTime":"2026-01-01T00:00:00.000000Z","action":"Act","reportingComponent":"c","reportingInstance":"c-1"}',
  );
  await using watch = await server.watch(`${NEW}?watch=1&fieldSelector=regarding.name%3Dp`);
  const [frame] = await watch.frames(1);
  assert.match(frame?.text ?? '', /^\{"type":"ADDED","object":\{"kind":"Event","apiVersion":"events\.k8s\.io\/v1"/);
  const series = { count: 2, lastObservedTime: '2026-01-01T00:00:01.000000Z' };
  assert.equal(outcome(await server.patch(`${NEW}/e`, 'strategic-merge', { series })), '200');
  assert.match(
    show(await server.get(`${OLD}/e`)),
    /"series":\{"count":2,"lastObservedTime":"2026-01-01T00:00:01\.000000Z"\}/,
  );
  assert.equal(
    outcome(await server.patch(`${NEW}/e`, 'merge', { note: 'no' })),
    '422 Invalid: Event.events.k8s.io "e" is invalid: note: Invalid value: "no": field is immutable',
  );
});

test('the newer API asks for more', async () => {
  await using server = await TestServer.start();
  const { metadata, regarding } = BODY;
  assert.equal(
    outcome(await server.post(NEW, { metadata, regarding, eventTime: null, type: 'x', deprecatedCount: 1 })),
    '422 Invalid: Event.events.k8s.io "e" is invalid: [eventTime: Required value, reportingController: Required value, reportingInstance: Required value, action: Required value, reason: Required value, type: Unsupported value: "x": supported values: "Normal", "Warning", deprecatedCount: Invalid value: 1: needs to be unset]',
  );
});
