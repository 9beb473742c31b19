import assert from 'node:assert/strict';
import { test } from 'node:test';
import { planContainerMounts } from './container-mounts.ts';
import { planHostImage, type HostImageSpec } from './host-image.ts';
import { formatMountSteps } from './mount-step.ts';

const machine: HostImageSpec = {
  entries: [
    { kind: 'symlink', name: 'bin', to: 'usr/bin' },
    { kind: 'directory', name: 'dev' },
    { kind: 'directory', name: 'etc' },
    { kind: 'directory', name: 'home' },
    { kind: 'directory', name: 'srv', empty: true },
    { kind: 'directory', name: 'proc' },
    { kind: 'directory', name: 'tmp' },
  ],
  layerDir: '/var/state/pods/u/c-0',
  masked: ['/var/state'],
  rootless: false,
  directories: [],
};

const cases: readonly { name: string; spec: HostImageSpec; plan: string }[] = [
  {
    name: 'with privilege',
    spec: machine,
    plan: `\
tmpfs / rw mode=755
symlink /bin to usr/bin
directory /etc 755
either
  overlay /etc of /etc in /var/state/pods/u/c-0/upper/etc
or
  tmpfs /etc rw mode=755
directory /home 755
either
  overlay /home of /home in /var/state/pods/u/c-0/upper/home
or
  tmpfs /home rw mode=755
directory /srv 755
directory /tmp 1777
tmpfs /tmp rw mode=1777
directory /run 755
tmpfs /run rw mode=755
directory /run/lock 1777
tmpfs /var/state ro size=4k,mode=555
`,
  },
  {
    name: 'without privilege, state below a home directory, a mount point that is not in the image',
    spec: {
      ...machine,
      layerDir: '/home/me/state/pods/u/c-0',
      masked: ['/home/me/state', '/tmp/other'],
      rootless: true,
      directories: ['/etc/app/config', '/data'],
    },
    plan: `\
tmpfs / rw mode=755
symlink /bin to usr/bin
directory /etc 755
either
  overlay /etc of /etc in /home/me/state/pods/u/c-0/upper/etc userxattr with app/config
or
  tmpfs /etc rw mode=755
scratch /home/me/state/pods/u/c-0/memory
directory /home 755
either
  overlay /home of /home in /home/me/state/pods/u/c-0/memory/upper/home userxattr
or
  tmpfs /home rw mode=755
directory /srv 755
directory /tmp 1777
tmpfs /tmp rw mode=1777
directory /run 755
tmpfs /run rw mode=755
directory /run/lock 1777
tmpfs /home/me/state ro size=4k,mode=555
`,
  },
];
for (const { name, spec, plan } of cases) {
  test(`planHostImage() ${name}`, () => {
    assert.equal(formatMountSteps(planHostImage(spec)), plan);
  });
}

test('planContainerMounts() lays the rest over the image, outer mounts before inner ones', () => {
  const plan = planContainerMounts({
    image: [],
    etcDir: '/s/etc',
    shmDir: '/s/shm',
    readOnlyRoot: false,
    privileged: false,
    mounts: [
      { source: '/s/volumes/inner', target: '/data/inner', readOnly: true },
      { source: '/s/volumes/outer', target: '/data', readOnly: false },
    ],
  });
  assert.equal(
    formatMountSteps(plan),
    `\
directory /proc 555
directory /sys 555
either
  sysfs /sys ro
or
  rbind /sys from /sys ro
or
directory /dev 755
tmpfs /dev rw mode=755,size=64k
bind /dev/null from /dev/null rw dev
bind /dev/zero from /dev/zero rw dev
bind /dev/full from /dev/full rw dev
bind /dev/random from /dev/random rw dev
bind /dev/urandom from /dev/urandom rw dev
bind /dev/tty from /dev/tty rw dev
directory /dev/pts 755
devpts /dev/pts rw newinstance,ptmxmode=0666,mode=0620
symlink /dev/ptmx to pts/ptmx
directory /dev/mqueue 1777
either
  mqueue /dev/mqueue rw
or
directory /dev/shm 1777
bind /dev/shm from /s/shm rw
symlink /dev/fd to /proc/self/fd
symlink /dev/stdin to /proc/self/fd/0
symlink /dev/stdout to /proc/self/fd/1
symlink /dev/stderr to /proc/self/fd/2
bind /etc/hosts from /s/etc/hosts rw
bind /etc/hostname from /s/etc/hostname rw
bind /etc/resolv.conf from /s/etc/resolv.conf rw
rbind /data from /s/volumes/outer rw
rbind /data/inner from /s/volumes/inner ro
`,
  );
});

test('planContainerMounts() makes a read-only image read-only at the end', () => {
  const image = planHostImage({ ...machine, entries: [{ kind: 'directory', name: 'etc' }], masked: [] });
  const plan = planContainerMounts({
    image,
    etcDir: '/s/etc',
    shmDir: '/s/shm',
    mounts: [],
    readOnlyRoot: true,
    privileged: true,
  });
  assert.equal(
    formatMountSteps(plan.slice(-4)),
    `\
read-only /
read-only /etc
read-only /tmp
read-only /run
`,
  );
});
