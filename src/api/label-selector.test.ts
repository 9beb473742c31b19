import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  formatSelector,
  type LabelSelectorObject,
  matchesLabels,
  selectorCell,
  selectorFromLabels,
  selectorFromObject,
} from './label-selector.ts';

const cases: readonly (readonly [LabelSelectorObject | undefined, string, boolean])[] = [
  [undefined, '<none>', false],
  [{}, '<none>', true],
  [{ matchLabels: { app: 'web' } }, 'app=web', true],
  [{ matchLabels: { app: 'db' } }, 'app=db', false],
  [{ matchExpressions: [{ key: 'app', operator: 'In', values: ['web', 'api'] }] }, 'app in (api,web)', true],
  [{ matchExpressions: [{ key: 'app', operator: 'NotIn', values: ['web'] }] }, 'app notin (web)', false],
  [{ matchExpressions: [{ key: 'tier', operator: 'DoesNotExist' }] }, '!tier', true],
  [{ matchLabels: { z: '1' }, matchExpressions: [{ key: 'app', operator: 'Exists' }] }, 'app,z=1', false],
  [{ matchExpressions: [{ key: 'app', operator: 'Like' }] }, '<error>', false],
];

for (const [object, text, matches] of cases) {
  test(`selectorFromObject() of ${JSON.stringify(object)}`, () => {
    assert.equal(selectorCell(object), text);
    if (text === '<error>') {
      assert.throws(() => selectorFromObject(object), { message: '"Like" is not a valid label selector operator' });
    } else {
      assert.equal(matchesLabels(selectorFromObject(object), { app: 'web' }), matches);
    }
  });
}

test('selectorFromLabels() is the form of a Service', () => {
  const selector = selectorFromLabels({ tier: 'a', app: 'web' });
  assert.equal(formatSelector(selector), 'app=web,tier=a');
  assert.equal(matchesLabels(selector, { app: 'web', tier: 'a', x: '' }), true);
  assert.equal(matchesLabels(selector, undefined), false);
});
