import assert from 'node:assert/strict';
import { test } from 'node:test';
import { becomingOf, type IdMaps, parseIdMap } from './id-map.ts';
import { type IdentityWish, resolveIdentity } from './identity.ts';

const files = {
  passwd: 'root:x:0:0:root:/root:/bin/sh\napp:x:1000:1001:App:/srv/app:/bin/sh\n',
  group: 'root:x:0:\nwheel:x:10:root,app\nstaff:x:50:\n',
};
const nobody: IdentityWish = {
  imageUser: '',
  user: undefined,
  group: undefined,
  groups: [],
  mergeGroups: true,
  nonRoot: undefined,
};

const cases: readonly { name: string; wish: Partial<IdentityWish>; who: string }[] = [
  { name: 'nothing is root', wish: {}, who: '0:0 [10] /root' },
  { name: 'a name', wish: { imageUser: 'app' }, who: '1000:1001 [10] /srv/app' },
  { name: 'a name and a group', wish: { imageUser: 'app:staff' }, who: '1000:50 [10] /srv/app' },
  { name: 'a number in the files', wish: { imageUser: '1000' }, who: '1000:1001 [10] /srv/app' },
  { name: 'a number that is not', wish: { imageUser: '7:8' }, who: '7:8 [] /' },
  { name: 'the Pod against the image', wish: { imageUser: 'app:staff', user: 7 }, who: '7:0 [] /' },
  { name: 'only a group from the Pod', wish: { imageUser: 'app', group: 3 }, who: '1000:3 [10] /srv/app' },
  { name: 'more groups', wish: { user: 1000, groups: [5, 10] }, who: '1000:1001 [5,10] /srv/app' },
  {
    name: 'only the groups given',
    wish: { user: 1000, groups: [5], mergeGroups: false },
    who: '1000:1001 [5] /srv/app',
  },
  {
    name: 'a number where root is forbidden',
    wish: { imageUser: '7', nonRoot: { pod: 'p_ns(u)', container: 'c' } },
    who: '7:0 [] /',
  },
  {
    name: 'an unknown name',
    wish: { imageUser: 'who' },
    who: 'unable to find user who: no matching entries in passwd file',
  },
  {
    name: 'an unknown group',
    wish: { imageUser: '0:who' },
    who: 'unable to find group who: no matching entries in group file',
  },
  {
    name: 'root where it is forbidden',
    wish: { nonRoot: { pod: 'p_ns(u)', container: 'c' } },
    who: 'container has runAsNonRoot and image will run as root (pod: "p_ns(u)", container: c)',
  },
  {
    name: 'a name where root is forbidden',
    wish: { nonRoot: { pod: 'p_ns(u)', container: 'c' }, imageUser: 'app' },
    who: 'container has runAsNonRoot and image has non-numeric user (app), cannot verify user is non-root (pod: "p_ns(u)", container: c)',
  },
  {
    name: 'user 0 where root is forbidden',
    wish: { nonRoot: { pod: 'p_ns(u)', container: 'c' }, user: 0 },
    who: `container's runAsUser breaks non-root policy (pod: "p_ns(u)", container: c)`,
  },
];
for (const { name, wish, who } of cases) {
  test(`resolveIdentity() of ${name}`, () => {
    let found: string;
    try {
      const { user, group, groups, home } = resolveIdentity({ ...nobody, ...wish }, files);
      found = `${user}:${group} [${groups.join(',')}] ${home}`;
    } catch (error) {
      found = (error as Error).message;
    }
    assert.equal(found, who);
  });
}

test('becomingOf() renumbers where the machine has no such user', () => {
  const all: IdMaps = {
    users: parseIdMap('         0          0 4294967295\n'),
    groups: parseIdMap('0 0 4294967295'),
    setgroups: true,
  };
  const one: IdMaps = { users: parseIdMap('0 1000 1\n'), groups: parseIdMap('0 1000 1\n'), setgroups: false };
  const app = { user: 1000, group: 50, groups: [5] };
  const root = { user: 0, group: 50, groups: [5] };
  assert.deepEqual(
    [becomingOf(app, all), becomingOf(app, one), becomingOf(root, one)],
    [
      { kind: 'set', user: 1000, group: 50, groups: [5] },
      { kind: 'renumber', user: 1000, group: 50 },
      { kind: 'set', user: 0, group: 0, groups: undefined },
    ],
  );
});
