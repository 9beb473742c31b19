import assert from 'node:assert/strict';
import test from 'node:test';
import { userOfCertificate } from './authenticate.ts';

const cases: readonly (readonly [string, Readonly<Record<string, string | readonly string[]>>, string])[] = [
  ['a name', { CN: 'ann' }, 'ann of system:authenticated'],
  ['organizations', { CN: 'ann', O: ['a', 'b'] }, 'ann of a,b,system:authenticated'],
  ['several names, of which its signer has looked at the last', { CN: ['root', 'ann'] }, 'ann of system:authenticated'],
  ['no name', { O: 'a' }, 'nobody'],
  ['an empty name', { CN: '' }, 'nobody'],
];

for (const [name, subject, expected] of cases) {
  test(`userOfCertificate() of one with ${name}`, () => {
    const user = userOfCertificate(subject);
    assert.equal(user === undefined ? 'nobody' : `${user.username} of ${user.groups.join()}`, expected);
  });
}
