import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type CgroupLayout, cgroupLayout } from './cgroup-layout.ts';

function format(layout: CgroupLayout | undefined): string {
  if (layout === undefined) return 'none';
  if (layout.kind === 'v2') return `v2 ${layout.own} of ${layout.top}`;
  return `v1 ${[...layout.own].map(([controller, path]) => `${controller}=${path}`).join(' ')}`;
}

const cases: readonly { name: string; mountinfo: string; membership: string; text: string }[] = [
  {
    name: 'one tree',
    mountinfo: '30 23 0:26 / /sys/fs/cgroup rw,nosuid shared:9 - cgroup2 cgroup2 rw,nsdelegate',
    membership: '0::/user.slice/user-1000.slice/session-2.scope',
    text: 'v2 /sys/fs/cgroup/user.slice/user-1000.slice/session-2.scope of /sys/fs/cgroup',
  },
  {
    name: 'a tree for each controller, and one without any beside them',
    mountinfo: `31 23 0:28 / /sys/fs/cgroup rw - tmpfs tmpfs rw,mode=755
32 31 0:29 / /sys/fs/cgroup/cpu,cpuacct rw - cgroup cgroup rw,cpu,cpuacct
35 31 0:32 / /sys/fs/cgroup/memory rw - cgroup cgroup rw,memory
41 31 0:38 / /sys/fs/cgroup/unified rw - cgroup2 cgroup2 rw`,
    membership: '4:memory:/a:b\n2:cpu,cpuacct:/\n0::/',
    text: 'v1 cpu=/sys/fs/cgroup/cpu,cpuacct cpuacct=/sys/fs/cgroup/cpu,cpuacct memory=/sys/fs/cgroup/memory/a:b',
  },
  {
    name: 'a part of a tree, as containers of Docker see it',
    mountinfo: '35 31 0:32 /docker/abc /sys/fs/cgroup/memory ro - cgroup cgroup rw,memory',
    membership: '4:memory:/docker/abc/x',
    text: 'v1 memory=/sys/fs/cgroup/memory/x',
  },
  {
    name: 'a tree whose root lies beyond the namespace',
    mountinfo: '30 23 0:26 /../.. /sys/fs/cg\\040roup rw - cgroup2 cgroup2 rw',
    membership: '0::/',
    text: 'v2 /sys/fs/cg roup of /sys/fs/cg roup',
  },
  { name: 'no tree', mountinfo: '21 20 0:3 / /proc rw - proc proc rw', membership: '0::/', text: 'none' },
];

for (const { name, mountinfo, membership, text } of cases) {
  test(`cgroupLayout() with ${name}`, () => {
    assert.equal(format(cgroupLayout(mountinfo, membership)), text);
  });
}
