import assert from 'node:assert/strict';
import test from 'node:test';
import { parseStreamRequest } from './stream-request.ts';

const cases: readonly (readonly [target: string, expected: unknown])[] = [
  [
    '/exec/default/web/main?command=sh&command=-c&command=echo+hi&input=1&output=1&error=1',
    {
      kind: 'exec',
      namespace: 'default',
      pod: 'web',
      container: 'main',
      command: ['sh', '-c', 'echo hi'],
      stdin: true,
      stdout: true,
      stderr: true,
      tty: false,
    },
  ],
  [
    '/attach/default/web/main?output=1&error=1&tty=1',
    {
      kind: 'attach',
      namespace: 'default',
      pod: 'web',
      container: 'main',
      command: [],
      stdin: false,
      stdout: true,
      stderr: false,
      tty: true,
    },
  ],
  ['/portForward/default/web', { kind: 'portForward', namespace: 'default', pod: 'web', ports: [] }],
  [
    '/portForward/default/web?port=80,443&port=53',
    { kind: 'portForward', namespace: 'default', pod: 'web', ports: [80, 443, 53] },
  ],
  ['/exec/default/web', undefined],
  ['/exec/default/web/main/more', undefined],
  ['/pods', undefined],
  ['/exec/default/%zz/main', undefined],
  ['', undefined],
];

for (const [target, expected] of cases) {
  test(`parseStreamRequest() reads "${target}"`, () => assert.deepEqual(parseStreamRequest(target), expected));
}

test('parseStreamRequest() hands the query of a log on', () => {
  const request = parseStreamRequest('/containerLogs/default/web/main?tailLines=3');
  assert.equal(request?.kind === 'log' && request.query.get('tailLines'), '3');
});
