import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { systemClock } from '#base/clock.ts';
import { SandboxRuntime } from './sandbox/runtime-agent.ts';
import { isMapped } from './stage/id-map.ts';
import { isolateTests } from './testing/isolated.ts';
import { isReady, podSummary } from './testing/pod-summary.ts';
import { TestNodes } from './testing/test-nodes.ts';

const sleeper = { command: ['sleep', 'infinity'] };
const capabilities = [
  'sh',
  '-c',
  'grep -E "^(CapEff|CapBnd|NoNewPrivs)" /proc/self/status | tr -d "\\t" | tr "\\n" " "',
];

isolateTests(import.meta.url, () => {
  const runtime = new SandboxRuntime(systemClock);

  test('root of a container cannot touch the machine, neither from its first process nor by exec', async () => {
    await using nodes = await TestNodes.start(runtime, 1);
    const refused = [
      'echo 1 > /proc/sys/kernel/printk',
      'echo 0 > /proc/sys/net/ipv4/ip_forward',
      'echo b > /proc/sysrq-trigger',
      'echo 1 > /proc/irq/default_smp_affinity',
      'grep -q . /proc/kcore',
      'ls -A /sys/firmware | grep -q .',
      'mkdir /sys/x',
      'mknod /disk b 8 0',
      'mount -t tmpfs none /mnt',
      'mount -o remount,rw /proc/sys',
      'umount /proc',
      'hostname other',
      'date -s 2001-01-01',
      'unshare --mount true',
    ];
    const script = [
      ...refused.map((line, index) => `if (${line}) > /dev/null 2>&1; then echo "done: ${index}"; fi`),
      // Above the root there is nothing, not even for who may change his root.
      'mkdir -p /tmp/jail; chroot /tmp/jail /none 2> /dev/null; ls -d /../proc/1/root/../../etc/hostname',
      'ls /dev | grep -v -e core -e initctl | tr "\\n" " "',
    ].join('\n');
    await nodes.run('first', { command: ['sh', '-c', `${script}\n`] }, { restartPolicy: 'Never' });
    await nodes.until('first', ({ status }) => status?.phase === 'Succeeded');
    await nodes.run('exec', sleeper);
    await nodes.until('exec', isReady);
    const log = readFileSync(runtime.find({ namespace: 'default', pod: 'first' })?.logPath ?? '', 'utf8');
    const first = log.replaceAll(/^\S+ std(out|err) [FP] /gm, '');
    const exec = await nodes.exec('exec', 'sh', '-c', script);
    const expected =
      '/../proc/1/root/../../etc/hostname\n' +
      'fd full mqueue null ptmx pts random shm stderr stdin stdout termination-log tty urandom zero ';
    assert.equal(first.trim(), expected.trim());
    assert.equal(exec.trim(), expected.trim());
  });

  test('capabilities are those of a container runtime, or what the container asks for', async () => {
    await using nodes = await TestNodes.start(runtime, 1);
    const all = /^CapBnd:\s*(\S+)$/m.exec(readFileSync('/proc/self/status', 'utf8'))?.[1] ?? '';
    const cases = [
      { name: 'default', securityContext: {}, shown: 'CapEff:00000000a00425fb CapBnd:00000000a00425fb NoNewPrivs:0 ' },
      {
        name: 'few',
        securityContext: { capabilities: { drop: ['ALL'], add: ['NET_ADMIN'] }, allowPrivilegeEscalation: false },
        shown: 'CapEff:0000000000001000 CapBnd:0000000000001000 NoNewPrivs:1 ',
      },
      {
        name: 'privileged',
        securityContext: { privileged: true },
        shown: `CapEff:${all} CapBnd:${all} NoNewPrivs:0 `,
      },
    ];
    for (const { name, securityContext, shown } of cases) {
      await nodes.run(name, { ...sleeper, securityContext });
      await nodes.until(name, isReady);
      assert.equal(await nodes.exec(name, ...capabilities), shown);
    }
    await nodes.run('odd', { ...sleeper, securityContext: { capabilities: { add: ['FLY'] } } });
    const odd = await nodes.until('odd', ({ status }) => status?.containerStatuses !== undefined);
    assert.match(podSummary(odd), /waiting CreateContainerConfigError "unknown capability \\"FLY\\""/);
  });

  test('a container that asks for the default profile is refused what reaches past it, by exec as well', async () => {
    await using nodes = await TestNodes.start(runtime, 1);
    // keyctl, unshare of a user namespace, clone3, clone into a user namespace, and a call of another architecture.
    const calls = [
      'import ctypes, platform, threading',
      'c = ctypes.CDLL(None, use_errno=True)',
      'x = platform.machine() == "x86_64"',
      'def call(*args):',
      '    ctypes.set_errno(0); c.syscall(*args); return ctypes.get_errno()',
      'print(call(250 if x else 219, 0, -3, 0), call(272 if x else 97, 0x10000000), call(435, 0, 0))',
      'print(call(56 if x else 220, 0x10000000, 0, 0, 0, 0), call(0x40000000 + 39) if x else 38)',
      'threading.Thread(target=lambda: print("thread")).start()',
    ].join('\n');
    const profiles = {
      filtered: { seccompProfile: { type: 'RuntimeDefault' } },
      user: { seccompProfile: { type: 'RuntimeDefault' }, runAsUser: 4321, allowPrivilegeEscalation: false },
      able: { seccompProfile: { type: 'RuntimeDefault' }, capabilities: { add: ['SYS_ADMIN'] } },
      unconfined: { seccompProfile: { type: 'Unconfined' } },
    } as const;
    const shown: string[] = [];
    for (const [name, securityContext] of Object.entries(profiles)) {
      await nodes.run(name, { ...sleeper, securityContext });
      await nodes.until(name, isReady);
      const mode = await nodes.exec(
        name,
        'sh',
        '-c',
        'sed -n "s/^Seccomp:[^0-9]*//p" /proc/1/status /proc/self/status',
      );
      shown.push(`${name}: ${[...mode.matchAll(/\d/g)].join('')}`);
    }
    assert.deepEqual(shown, ['filtered: 22', 'user: 22', 'able: 22', 'unconfined: 00']);
    assert.equal(await nodes.exec('filtered', 'python3', '-c', calls), '1 1 38\n1 38\nthread\n');
    assert.equal(await nodes.exec('user', 'python3', '-c', calls), '1 1 38\n1 38\nthread\n');
    // Only what the capability is for is open again, and clone3 complains of its arguments.
    assert.match(await nodes.exec('able', 'python3', '-c', calls), /^1 0 22\n/);
    const profile = { type: 'Localhost', localhostProfile: 'my.json' } as const;
    await nodes.run('own', { ...sleeper, securityContext: { seccompProfile: profile } });
    const own = await nodes.until('own', ({ status }) => status?.containerStatuses !== undefined);
    const why = 'cannot load seccomp profile \\"my.json\\": profiles of type Localhost are not supported';
    assert.match(podSummary(own), new RegExp(`waiting CreateContainerConfigError "${why.replaceAll('\\', '\\\\')}"`));
  });

  test('a container runs as the user it asks for, may write its volumes, and gets nothing back', async () => {
    await using nodes = await TestNodes.start(runtime, 1);
    await nodes.run(
      'user',
      {
        ...sleeper,
        volumeMounts: [{ name: 'data', mountPath: '/data' }],
        securityContext: { runAsNonRoot: true },
      },
      {
        securityContext: { runAsUser: 4321, runAsGroup: 4322, fsGroup: 4323, supplementalGroups: [4324] },
        volumes: [{ name: 'data', emptyDir: {} }],
      },
    );
    await nodes.until('user', isReady);
    const renumbered = !isMapped(runtime.thread.ids.users, 4321);
    const groups = runtime.thread.ids.setgroups ? '4323 4324' : '';
    assert.equal(await nodes.exec('user', 'sh', '-c', 'id -u; id -g; echo $HOME'), '4321\n4322\n/\n');
    const others = (await nodes.exec('user', 'id', '-G'))
      .split(/\s/)
      .slice(1)
      .filter((id) => id !== '65534');
    assert.equal(others.join(' ').trim(), groups);
    assert.equal(await nodes.exec('user', ...capabilities), shownOf(renumbered));
    const wrote = await nodes.exec(
      'user',
      'sh',
      '-c',
      'cd /data; echo x > file; stat -c "%u %g %A" file; tail -n1 file',
    );
    assert.equal(wrote, renumbered ? '4321 4322 -rw-r--r--\nx\n' : '4321 4323 -rw-r--r--\nx\n');
    const port = 'import socket; s = socket.socket(); s.bind(("", 80)); print("bound")';
    assert.equal(await nodes.exec('user', 'python3', '-c', port), 'bound\n');
  });

  test('a container runs as a user whom this machine may not have', async () => {
    await using nodes = await TestNodes.start(runtime, 1);
    const user = 2_000_000_000;
    await nodes.run('stranger', { ...sleeper, securityContext: { runAsUser: user, runAsGroup: user + 1 } });
    await nodes.until('stranger', isReady);
    const identity = await nodes.exec('stranger', 'sh', '-c', 'id -u; id -g; ls /proc/1/fd > /dev/null && echo own');
    assert.equal(identity, `${user}\n${user + 1}\nown\n`);
  });

  test('a Pod that asks for users of its own has them where the node has, else is told that it cannot', async () => {
    await using nodes = await TestNodes.start(runtime, 1);
    await nodes.run('own', sleeper, { hostUsers: false });
    if (runtime.thread.rootless) {
      await nodes.until('own', isReady);
      return;
    }
    const why = "can't set `spec.hostUsers: false`, runtime does not support user namespaces";
    const event = `Warning FailedCreatePodSandBox Failed to create pod sandbox: ${why}`;
    await nodes.until('own', ({ status }) => status?.conditions !== undefined);
    for (let tries = 0; !(await nodes.events('own')).includes(event); tries++) {
      assert.ok(tries < 500, (await nodes.events('own')).join('; '));
      await systemClock.sleep(20);
    }
  });

  test('a read-only root is read-only, its volumes are not', async () => {
    await using nodes = await TestNodes.start(runtime, 1);
    await nodes.run(
      'ro',
      {
        ...sleeper,
        volumeMounts: [{ name: 'tmp', mountPath: '/tmp' }],
        securityContext: { readOnlyRootFilesystem: true },
      },
      { volumes: [{ name: 'tmp', emptyDir: {} }] },
    );
    await nodes.until('ro', isReady);
    const script = 'for d in / /etc /usr /run /var/log /tmp; do touch $d/x 2>/dev/null && echo $d; done';
    assert.equal(await nodes.exec('ro', 'sh', '-c', `${script}; true`), '/tmp\n');
  });

  test('the kernel ends who asked for nothing first, when memory is short', async () => {
    await using nodes = await TestNodes.start(runtime, 1);
    await nodes.run('box', sleeper);
    await nodes.until('box', isReady);
    assert.equal(await nodes.exec('box', 'cat', '/proc/1/oom_score_adj', '/proc/self/oom_score_adj'), '1000\n1000\n');
  });

  test("root where it is forbidden is refused, sysctls are the Pod's own", async () => {
    await using nodes = await TestNodes.start(runtime, 1);
    await nodes.run('root', sleeper, { securityContext: { runAsNonRoot: true } });
    const root = await nodes.until('root', ({ status }) => status?.containerStatuses !== undefined);
    assert.match(
      podSummary(root),
      /waiting CreateContainerConfigError "container has runAsNonRoot and image will run as root \(pod: \\"root_default\(uid-\d+\)\\", container: c\)"/,
    );
    await nodes.run('sysctl', sleeper, {
      securityContext: {
        sysctls: [
          { name: 'net.ipv4.tcp_fin_timeout', value: '33' },
          { name: 'kernel/shm_rmid_forced', value: '1' },
        ],
      },
    });
    await nodes.until('sysctl', isReady);
    assert.equal(
      await nodes.exec('sysctl', 'cat', '/proc/sys/net/ipv4/tcp_fin_timeout', '/proc/sys/kernel/shm_rmid_forced'),
      '33\n1\n',
    );
    assert.equal(readFileSync('/proc/sys/kernel/shm_rmid_forced', 'latin1'), '0\n');
  });
});

function shownOf(rootless: boolean): string {
  // A user namespace starts with a bounding set of its own; what it bounds are powers over that namespace alone.
  const bound = rootless ? '000001ffffffffff' : '00000000a00425fb';
  return `CapEff:0000000000000000 CapBnd:${bound} NoNewPrivs:0 `;
}
