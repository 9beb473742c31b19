import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { closeSync } from 'node:fs';
import test, { type TestContext } from 'node:test';
import fc from 'fast-check';
import { ManualClock, systemClock } from '#base/clock.ts';
import { createLog, silentLog } from '#base/log.ts';
import { isolateTestFile } from '#netlink/isolated-test.ts';
import { createNetns, inNetns, settleInOwnNetns } from '#netlink/namespace.ts';
import { watchNftables } from '#nftables/table-event-socket.ts';
import { FlowCleaner } from '../flow-sync.ts';
import { Model } from '../model.ts';
import { rulesetSettings } from '../settings.ts';
import { Proxy, type ObjectChange, type ProxyOptions } from '../sync.ts';
import { anyChange, isContested } from '../testing/changes.ts';
import { comparable } from '../testing/comparable.ts';
import { IptablesPrograms } from '../testing/iptables-programs.ts';
import { iptablesOptions, skipReason, type Mode } from '../testing/mode.ts';
import { cidr } from '../testing/network.ts';
import { service, slice } from '../testing/objects.ts';
import { IptablesCommands } from './commands-sync.ts';
import { IptablesTables } from './tables-sync.ts';

isolateTestFile();
settleInOwnNetns();

const both: readonly Mode[] = ['iptables', 'iptables-legacy'];
const settings = rulesetSettings(
  { serviceCidrs: [], podCidrs: [cidr('10.244.0.0/16')], nodePortAddresses: 'all' },
  { addresses: ['172.18.0.2'], zone: undefined },
);
const port = [{ port: 8080 }];
const web = service('web', '10.96.0.50', [{ port: 80 }]);

class RecordingCommands extends IptablesCommands {
  readonly inputs: string[] = [];

  override async restore(input: string): Promise<void> {
    this.inputs.push(input);
    await super.restore(input);
  }
}

async function withNetns(run: (netns: number) => Promise<void>): Promise<void> {
  const netns = createNetns();
  try {
    await run(netns);
  } finally {
    closeSync(netns);
  }
}

/** Rules of our own chains, by table, in what `saved` returns. */
function rulesIn(text: string): object {
  const counts: Record<string, number> = {};
  let table = '';
  let isOwn = false;
  for (const line of text.split('\n')) {
    if (line.startsWith('*')) table = line.slice(1);
    if (line.startsWith(':')) isOwn = line.startsWith(':KUBE-');
    counts[table] = (counts[table] ?? 0) + Number(isOwn && line.startsWith('  '));
  }
  return { filter: counts['filter'], nat: counts['nat'] };
}

function totalsOf({ figures }: IptablesTables): object {
  return { filter: figures.iptables?.filter.total, nat: figures.iptables?.nat.total };
}

/** All that is in the kernel. */
async function saved(commands: IptablesCommands): Promise<string> {
  const tables = ['filter', 'nat', 'mangle'] as const;
  const texts = await Promise.all(tables.map(async (table) => comparable(table, await commands.save(table))));
  return texts.join('');
}

function note(model: Model, { kind, object }: ObjectChange): void {
  const key = `${object.metadata.namespace}/${object.metadata.name}`;
  if (object.kind === 'Service') {
    if (kind === 'set') model.setService(object);
    else model.deleteService(key);
  } else if (kind === 'set') model.setSlice(object);
  else model.deleteSlice(key);
}

for (const mode of both) {
  const skip = skipReason(mode);
  test(
    `${mode}: whatever changes into whatever, all chains are as if made at once, and a restart writes nothing`,
    { skip },
    async () => {
      const check = async (steps: readonly (readonly ObjectChange[])[]): Promise<void> =>
        withNetns(async (netns) => {
          const commands = new RecordingCommands(4, iptablesOptions(mode, netns));
          const flows = new FlowCleaner({ clock: systemClock, log: silentLog });
          const fresh = (): Model => new Model({ nodeName: 'a', zone: undefined, families: [4], log: silentLog });
          const model = fresh();
          const tables = new IptablesTables(commands, flows, settings);
          await tables.resync([]);
          const now = new Map<string, ObjectChange>();
          for (const step of steps) {
            for (const change of step) {
              now.set(`${change.object.kind} ${change.object.metadata.name}`, change);
              note(model, change);
            }
            await tables.apply(model.takeChanges(), () => {});
          }
          const left = [...now.values()].filter(({ kind }) => kind === 'set');
          if (isContested(left.flatMap(({ object }) => (object.kind === 'Service' ? [object] : [])))) return;
          const before = await saved(commands);
          const totals = rulesIn(before);
          assert.deepEqual(totalsOf(tables), totals);
          const again = fresh();
          for (const change of left) note(again, change);
          const probes = 2;
          commands.inputs.length = 0;
          const next = new IptablesTables(commands, flows, settings);
          await next.resync(again.takeChanges());
          assert.deepEqual(totalsOf(next), totals);
          assert.deepEqual(commands.inputs.slice(probes), []);
          assert.equal(await saved(commands), before);
        });
      const step = fc.array(anyChange, { minLength: 1, maxLength: 3 });
      await fc.assert(fc.asyncProperty(fc.array(step, { minLength: 1, maxLength: 12 }), check), { numRuns: 12 });
    },
  );
}

interface Setup {
  readonly proxy: Proxy;
  readonly commands: IptablesCommands;
  readonly programs: IptablesPrograms;
  readonly clock: ManualClock;
  readonly logged: string[];
  /** Runs iptables in the node's network, as somebody else would. */
  readonly iptables: (...args: readonly string[]) => void;
}

async function setup(t: TestContext, mode: Mode, options: { readonly isWatched?: boolean } = {}): Promise<Setup> {
  const netns = createNetns();
  const programs = new IptablesPrograms();
  const clock = new ManualClock();
  const logged: string[] = [];
  // Programs that are watched are known by their process, and a script is another one.
  const path = options.isWatched === true ? undefined : programs.path;
  const iptables = { ...iptablesOptions(mode, netns), path };
  const watch: ProxyOptions['watch'] = (signal) => inNetns(netns, () => watchNftables(signal));
  const proxy = new Proxy({
    nodeName: 'a',
    iptables,
    serviceCidrs: [cidr('10.96.0.0/12')],
    clock,
    ...(options.isWatched === true ? { watch } : {}),
    log: createLog('proxy', ({ level, message }) => logged.push(`${level} ${message}`)),
  });
  t.after(() => {
    proxy[Symbol.dispose]();
    programs[Symbol.dispose]();
    closeSync(netns);
  });
  for (const object of [web, slice('web', ['10.244.0.5'], port)]) proxy.note({ kind: 'set', object });
  proxy.start();
  const program = `iptables-${iptables.variant}`;
  const env = { PATH: `${process.env['PATH']}:/usr/sbin:/sbin`, XTABLES_LOCKFILE: `${iptables.lockFile}` };
  return {
    proxy,
    commands: new IptablesCommands(4, iptables),
    programs,
    clock,
    logged,
    iptables: (...args) => void inNetns(netns, () => execFileSync(program, args, { env })),
  };
}

const damages: readonly (readonly string[])[] = [
  ['-t', 'nat', '-F'],
  ['-t', 'nat', '-F', 'PREROUTING'],
  ['-F', 'KUBE-FORWARD'],
  ['-t', 'mangle', '-X', 'KUBE-PROXY-CANARY'],
];

test(
  'iptables-legacy: what others emptied is filled again within half a minute',
  { skip: skipReason('iptables-legacy') },
  async (t) => {
    const { proxy, commands, clock, logged, iptables } = await setup(t, 'iptables-legacy');
    await proxy.settled();
    const healthy = await saved(commands);
    for (const damage of damages) {
      iptables(...damage);
      assert.notEqual(await saved(commands), healthy);
      await clock.advance(30_000);
      await until(async () => (await saved(commands)) === healthy);
    }
    assert.deepEqual(new Set(logged), new Set(['warn somebody else changed the rules, comparing with the kernel']));
    assert.equal(logged.length, damages.length);
  },
);

test(
  'iptables: what others did is repaired at once, and our own changes are no reason to look',
  { skip: skipReason('iptables') },
  async (t) => {
    const { proxy, commands, clock, logged, iptables } = await setup(t, 'iptables', { isWatched: true });
    await proxy.settled();
    const healthy = await saved(commands);
    for (const damage of [...damages, ['-t', 'nat', '-D', 'KUBE-SVC-LOLE4ISW44XBNF3G', '1']]) {
      iptables(...damage);
      await until(async () => {
        await clock.advance(0);
        return (await saved(commands)) === healthy;
      });
      await clock.advance(1000);
    }
    assert.deepEqual(new Set(logged), new Set(['warn somebody else changed the rules, comparing with the kernel']));
    logged.length = 0;
    for (let i = 6; i < 16; i++) {
      proxy.apply([{ kind: 'set', object: slice('web', ['10.244.0.5', `10.244.0.${i}`], port) }]);
      await proxy.settled();
      await clock.advance(1000);
    }
    iptables('-N', 'OTHERS');
    await clock.advance(1000);
    await proxy.settled();
    assert.deepEqual(logged, []);
  },
);

for (const mode of both) {
  const skip = skipReason(mode);
  test(`${mode}: a rule that is not there any more makes everything be compared`, { skip }, async (t) => {
    const { proxy, commands, logged, iptables } = await setup(t, mode);
    await proxy.settled();
    const healthy = await saved(commands);
    iptables('-t', 'nat', '-F', 'KUBE-SERVICES');
    proxy.apply([{ kind: 'delete', object: web }]);
    await proxy.settled();
    assert.deepEqual(logged, ['warn rules not programmed, comparing with the kernel']);
    proxy.apply([{ kind: 'set', object: web }]);
    await proxy.settled();
    assert.equal(await saved(commands), healthy);
  });

  test(
    `${mode}: programs that fail are run again, later and later, and the rules are whole then`,
    { skip },
    async (t) => {
      const { proxy, commands, programs, clock, logged } = await setup(t, mode);
      await proxy.settled();
      const healthy = await saved(commands);
      programs.refuse('KUBE-');
      proxy.apply([{ kind: 'set', object: slice('web', [], port) }]);
      await proxy.settled();
      proxy.apply([{ kind: 'set', object: slice('web', ['10.244.0.5'], port) }]);
      await clock.advance(100);
      await proxy.settled();
      programs.refuse(undefined);
      await clock.advance(200);
      await proxy.settled();
      assert.deepEqual(logged.slice(0, 2), [
        'warn rules not programmed, comparing with the kernel',
        'error rules not programmed',
      ]);
      assert.equal(await saved(commands), healthy);
    },
  );

  test(`${mode}: what the kernel lacks is named, with what to do`, { skip }, async (t) => {
    const netns = createNetns();
    using programs = new IptablesPrograms();
    t.after(() => closeSync(netns));
    const start = async (path: string): Promise<void> => {
      using proxy = new Proxy({
        nodeName: 'a',
        iptables: { ...iptablesOptions(mode, netns), path },
        serviceCidrs: [cidr('10.96.0.0/12')],
        clock: systemClock,
        log: silentLog,
      });
      proxy.start();
      await proxy.settled();
    };
    programs.refuse('-m recent');
    await assert.rejects(start(programs.path), {
      code: 'EIPTABLES',
      message: /^Cannot use iptables: the kernel takes no rule "-m recent --set .*": .* failed with 1: .*line 3 failed/,
      hint: 'run `modprobe xt_recent` as root, or use mode nftables, which does not need it',
    });
    await assert.rejects(start('/nonexistent'), {
      code: 'ENOIPTABLES',
      hint: 'install the package iptables, or use mode nftables, which needs no command',
    });
    programs.refuse(undefined);
    await start(programs.path);
  });
}

test(
  'what comes while a program runs goes into the next one, and settles with that',
  { skip: skipReason('iptables') },
  async () => {
    await withNetns(async (netns) => {
      const seen: string[] = [];
      using proxy = new Proxy({
        nodeName: 'a',
        iptables: iptablesOptions('iptables', netns),
        serviceCidrs: [cidr('10.96.0.0/12')],
        clock: systemClock,
        log: silentLog,
        observer: {
          changed: (what) => seen.push(what),
          synced: (family, kind) => seen.push(`${kind} ${family}`),
          settled: () => seen.push('settled'),
          failed: () => seen.push('failed'),
          watch: () => {},
          flowsReconciled: () => {},
        },
      });
      proxy.start();
      await proxy.settled();
      proxy.apply([{ kind: 'set', object: web }]);
      for (const pod of ['10.244.0.5', '10.244.0.6', '10.244.0.7']) {
        proxy.apply([{ kind: 'set', object: slice('web', [pod], port) }]);
      }
      await proxy.settled();
      const one = ['full 4', 'settled', 'service', 'partial 4', 'settled'];
      assert.deepEqual(seen, [...one, 'endpoint', 'endpoint', 'endpoint', 'partial 4', 'settled']);
    });
  },
);

async function until(done: () => Promise<boolean>): Promise<void> {
  while (!(await done())) await new Promise((resolve) => setImmediate(resolve));
}
