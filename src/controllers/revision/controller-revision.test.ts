import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { PodTemplateSpec } from '#api/generated/types.ts';
import { revisionData, templateOf } from './controller-revision.ts';

test('revisionData() has its members in the order in which Go writes them', () => {
  const template = {
    spec: { restartPolicy: 'Always', containers: [{ name: 'c', image: 'i' }] },
    metadata: { labels: { b: '1', a: '2' }, creationTimestamp: null },
  } as unknown as PodTemplateSpec;
  const data = revisionData(template);
  assert.equal(
    JSON.stringify(data),
    '{"spec":{"template":{"$patch":"replace","metadata":{"labels":{"a":"2","b":"1"}},' +
      '"spec":{"containers":[{"image":"i","name":"c"}],"restartPolicy":"Always"}}}}',
  );
  assert.deepEqual(templateOf({ data }), {
    metadata: { labels: { a: '2', b: '1' } },
    spec: template.spec,
  });
});
