import assert from 'node:assert/strict';
import test from 'node:test';
import { CodedError } from '#base/errors.ts';
import { kernelHint } from './kernel-hint.ts';

const cases: readonly (readonly [string, string, string | undefined])[] = [
  ['EOPNOTSUPP', 'Cannot create bridge "fabric": EOPNOTSUPP', 'bridge'],
  ['EOPNOTSUPP', 'Cannot create veth "node-1": EOPNOTSUPP', 'veth'],
  ['EPROTONOSUPPORT', 'Cannot open a socket of family 16: EPROTONOSUPPORT', 'nf_tables'],
  ['ENOENT', 'Cannot add a rule to chain "pick-1" in table ip clusterip: ENOENT', 'nft_numgen'],
  ['EPERM', 'Cannot create bridge "fabric": EPERM', undefined],
  ['ENOENT', 'ENOENT: no such file or directory, open "/x"', undefined],
];

for (const [code, message, module] of cases) {
  test(`${message} -> ${module ?? 'no advice'}`, () => {
    const hint = kernelHint(new CodedError(code, message));
    if (module === undefined) assert.equal(hint, undefined);
    else assert.match(hint ?? '', new RegExp(`modprobe -a [^\`]*${module}`));
  });
}
