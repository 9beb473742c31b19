import assert from 'node:assert/strict';
import { test } from 'node:test';
import { systemClock } from '#base/clock.ts';
import { configMaps } from '#api/resource.ts';
import { SandboxRuntime } from './sandbox/runtime-agent.ts';
import { isolateTests } from './testing/isolated.ts';
import { TestNodes } from './testing/test-nodes.ts';

isolateTests(import.meta.url, () => {
  const runtime = new SandboxRuntime(systemClock);

  test('a program of another machine, and one whose interpreter is missing, say so', async () => {
    await using nodes = await TestNodes.start(runtime, 1);
    // The beginning of struct Elf64_Ehdr, for a machine that there never was.
    const foreign = Buffer.from('7f454c460201010000000000000000000200ffff01000000'.padEnd(128, '0'), 'hex');
    await nodes.client.create(configMaps, {
      metadata: { namespace: 'default', name: 'programs' },
      data: { script: '#!/no/shell\n' },
      binaryData: { foreign: foreign.toString('base64') },
    });
    const volumes = [{ name: 'bin', configMap: { name: 'programs', defaultMode: 0o755 } }];
    const volumeMounts = [{ name: 'bin', mountPath: '/programs' }];
    for (const [name, why] of [
      ['foreign', 'exec format error'],
      ['script', 'no such file or directory'],
    ] as const) {
      const container = { command: [`/programs/${name}`], volumeMounts };
      await nodes.run(name, container, { restartPolicy: 'Never', volumes });
      const pod = await nodes.until(name, ({ status }) => status?.phase === 'Failed');
      assert.equal(
        pod.status?.containerStatuses?.[0]?.state?.terminated?.message,
        `failed to start container "c": exec: "/programs/${name}": ${why}`,
      );
    }
  });
});
