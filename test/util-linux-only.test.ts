/** A cluster needs nothing of the system but util-linux and a shell: no nft, ip, iptables, or container runtime. */
import assert from 'node:assert/strict';
import { existsSync, mkdirSync, symlinkSync } from 'node:fs';
import { join } from 'node:path';
import test from 'node:test';
import { clientPod, deployment, service } from './testing/manifests.ts';
import { clusterip, modes, prefix, TestHome } from './testing/mode.ts';
import { run } from './testing/run.ts';

/** What bin/clusterip and bin/node call themselves, and util-linux. */
const PROGRAMS = ['sh', 'readlink', 'uname', 'setpriv', 'unshare', 'nsenter', 'setsid'];

for (const { mode, skip } of modes()) {
  test(`a Service answers with only util-linux on PATH, as ${mode}`, { skip, timeout: 120_000 }, async () => {
    using home = new TestHome(mode);
    const bin = join(home.path, 'bin');
    mkdirSync(bin);
    for (const name of PROGRAMS) {
      const found = ['/usr/bin', '/bin'].map((dir) => join(dir, name)).find((path) => existsSync(path));
      assert.ok(found !== undefined, `${name} is missing`);
      symlinkSync(found, join(bin, name));
    }
    const bare = { ...home.env(), PATH: bin };
    const as = prefix(mode).map((word, i) => (i === 0 ? join(bin, word) : word));
    const kubectl = async (args: readonly string[], input?: string): Promise<string> => {
      const done = await run([...prefix(mode), 'kubectl', ...args], {
        env: home.env(),
        ...(input === undefined ? {} : { input }),
      });
      assert.equal(done.code, 0, done.stderr);
      return done.stdout;
    };
    const started = await run([...as, clusterip, 'up', '--nodes=2'], { env: bare });
    try {
      assert.equal(started.code, 0, started.stderr);
      for (const manifest of [
        deployment({ name: 'who', replicas: 2 }),
        service({ name: 'who', selector: { app: 'who' } }),
        clientPod('frontend'),
      ]) {
        await kubectl(['apply', '-f', '-'], manifest);
      }
      await kubectl(['rollout', 'status', 'deployment/who', '--timeout=60s']);
      await kubectl(['wait', '--for=condition=Ready', 'pod/frontend', '--timeout=60s']);
      assert.match(
        await kubectl([
          'exec',
          'frontend',
          '--',
          'curl',
          '-sS',
          '--retry',
          '5',
          '--retry-connrefused',
          '--max-time',
          '20',
          'http://who',
        ]),
        /^who-/,
      );
    } finally {
      await run([...as, clusterip, 'down', '--purge'], { env: bare });
    }
  });
}
