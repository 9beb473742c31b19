import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Pod, Service } from '#api/generated/types.ts';
import { TriggerTimes } from './trigger-time.ts';

function service(created: string): Service {
  return { metadata: { namespace: 'd', name: 's', creationTimestamp: created } } as unknown as Service;
}

/** `a:3`: Pod a, whose readiness last changed at 3. */
function pods(text: string): Pod[] {
  return text
    .split(' ')
    .filter((word) => word !== '')
    .map((word) => {
      const [name, lastTransitionTime] = word.split(':');
      const conditions = lastTransitionTime === '' ? [] : [{ type: 'Ready', status: 'True', lastTransitionTime }];
      return { metadata: { namespace: 'd', name }, status: { conditions } } as unknown as Pod;
    });
}

const steps = [
  { what: 'the Service itself, first', pods: '', is: '1' },
  { what: 'nothing when nothing changed', pods: '', is: undefined },
  { what: 'the older of two new Pods', pods: 'a:5 b:4', is: '4' },
  { what: 'nothing for Pods seen', pods: 'a:5 b:4', is: undefined },
  { what: 'a Pod that changed', pods: 'a:7 b:4', is: '7' },
  { what: 'nothing for a Pod that left, or has no time', pods: 'a:7 c:', is: undefined },
];

test('TriggerTimes.next() gives the oldest change since the last', () => {
  const times = new TriggerTimes();
  for (const { what, pods: text, is } of steps) assert.equal(times.next(service('1'), pods(text)), is, what);
  times.forget('d/s');
  assert.equal(times.next(service('2'), pods('a:1')), '2', 'Pods that were ready before there was a Service');
});
