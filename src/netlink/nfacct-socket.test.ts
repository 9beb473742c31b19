import assert from 'node:assert/strict';
import test from 'node:test';
import { isolateTestFile } from './isolated-test.ts';
import { NfacctSocket } from './nfacct-socket.ts';

isolateTestFile();

/** Why this kernel cannot; false where it can. */
function missing(): string | false {
  try {
    using socket = NfacctSocket.open();
    socket.ensure('probe');
    return false;
  } catch (error) {
    return String(error);
  }
}

test('counters are made once, begin at 0, and those that nobody made are not there', { skip: missing() }, () => {
  using socket = NfacctSocket.open();
  for (let i = 0; i < 2; i++) socket.ensure('some_packets');
  assert.equal(socket.packets('some_packets'), 0);
  assert.throws(() => socket.packets('nobody'), { code: 'ENOENT' });
});
