import assert from 'node:assert/strict';
import test from 'node:test';
import { isolateTestFile } from './isolated-test.ts';
import { decodeLink, RTM_DELLINK, RTM_NEWLINK, RTNLGRP_LINK } from './link.ts';
import { watchNetlink } from './event-socket.ts';
import { createNetns, inNetns } from './namespace.ts';
import { RtnetlinkSocket } from './rtnetlink-socket.ts';
import { NETLINK_ROUTE } from './socket.ts';

isolateTestFile();

test('watchNetlink() tells what happens in its namespace', async () => {
  const netns = createNetns();
  const events = inNetns(netns, () => watchNetlink({ protocol: NETLINK_ROUTE, groups: [RTNLGRP_LINK] }));
  using inside = inNetns(netns, () => RtnetlinkSocket.open());
  using outside = RtnetlinkSocket.open();
  outside.createBridge({ name: 'unseen0' });
  inside.createBridge({ name: 'seen0' });
  inside.deleteLink('seen0');

  const seen: string[] = [];
  for await (const event of events) {
    assert.equal(event.kind, 'messages');
    for (const { type, payload } of event.messages) seen.push(`${type} ${decodeLink(payload).name}`);
    if (seen.at(-1) === `${RTM_DELLINK} seen0`) break;
  }
  assert.equal(seen[0], `${RTM_NEWLINK} seen0`);
  assert.deepEqual([...new Set(seen.map((text) => text.split(' ')[1]))], ['seen0']);
});

test('watchNetlink() says when it lost something, and goes on', async () => {
  const netns = createNetns();
  // The least that the kernel grants holds one or two notifications of a link.
  const options = { protocol: NETLINK_ROUTE, groups: [RTNLGRP_LINK], receiveBuffer: 1 } as const;
  const events = inNetns(netns, () => watchNetlink(options));
  using inside = inNetns(netns, () => RtnetlinkSocket.open());
  for (let mtu = 1500; mtu < 1600; mtu++) inside.setLink('lo', { mtu });

  let lost = false;
  for await (const event of events) {
    if (event.kind === 'lost') {
      lost = true;
      inside.setLink('lo', { mtu: 1400 });
    } else if (event.messages.some(({ payload }) => decodeLink(payload).mtu === 1400)) break;
  }
  assert.equal(lost, true);
});

test('watchNetlink() ends with its signal', async () => {
  const controller = new AbortController();
  const events = watchNetlink({ protocol: NETLINK_ROUTE, groups: [RTNLGRP_LINK], signal: controller.signal });
  setImmediate(() => controller.abort());
  const seen: unknown[] = [];
  for await (const event of events) seen.push(event);
  assert.deepEqual(seen, []);
});
