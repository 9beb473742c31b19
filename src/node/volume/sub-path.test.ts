import assert from 'node:assert/strict';
import { test } from 'node:test';
import { errorMessage } from '#base/errors.ts';
import { subPathOf } from './sub-path.ts';

const env = { PART: 'a', ROOT: '/tmp', UP: '../x', EMPTY: '' };

const cases: readonly (readonly [mount: Parameters<typeof subPathOf>[0], text: string])[] = [
  [{}, 'all'],
  [{ subPath: '' }, 'all'],
  [{ subPath: 'a/b' }, 'a/b'],
  [{ subPathExpr: 'x-$(PART)/$$(PART)' }, 'x-a/$(PART)'],
  [{ subPathExpr: '$(ROOT)' }, 'error SubPath `/tmp` must not be an absolute path'],
  [{ subPath: 'a/../b' }, "unable to provision SubPath `a/../b`: must not contain '..'"],
  [{ subPathExpr: '$(UP)' }, "unable to provision SubPath `../x`: must not contain '..'"],
  [{ subPathExpr: '$(B)/$(A)/$(PART)/$(EMPTY)' }, 'missing value for A, B, EMPTY'],
];
for (const [mount, text] of cases) {
  test(`subPathOf() ${JSON.stringify(mount)}`, () => {
    let said: string;
    try {
      said = subPathOf(mount, env) ?? 'all';
    } catch (error) {
      said = errorMessage(error);
    }
    assert.equal(said, text);
  });
}
