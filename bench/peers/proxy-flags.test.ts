/** Every flag that the real kube-proxy has is taken, in the form that it has there, and so is the configuration it writes. */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { readProxyFlags } from '../../src/cli/proxy-flags.ts';
import { parseConfigText } from '../../src/proxy/config/config-text.ts';
import { resolveConfig } from '../../src/proxy/config/proxy-config.ts';
import { refusedConfigs } from '../../src/proxy/testing/refused-configs.ts';
import { kubeProxyMissing, kubeProxyPath } from './kube-proxy.ts';

const HEAD = 'apiVersion: kubeproxy.config.k8s.io/v1alpha1\nkind: KubeProxyConfiguration\n';

/** What the flag's kind looks like; a switch has none. */
const VALUES: Readonly<Record<string, string>> = {
  int: '1',
  int32: '1',
  float32: '1.5',
  duration: '1h0m0s',
  ip: '0.0.0.0',
  ipport: '0.0.0.0:10256',
  Level: '2',
  mapStringBool: 'A=true,B=false',
  strings: '10.0.0.0/8',
  quantity: '0',
  version: '1.33',
};
/** They print, or write, something and end. */
const OTHERS = new Set(['help', 'version', 'write-config-to']);

test('all flags of kube-proxy are known', { skip: kubeProxyMissing() ?? false }, () => {
  const { stdout, stderr } = spawnSync(kubeProxyPath(), ['--help'], { encoding: 'utf8' });
  const found = [...`${stdout}${stderr}`.matchAll(/^ +(?:-\w, )?--([a-z0-9-]+)(?: (\S+))?(?: {2,}|$)/gm)];
  const flags = found.map(([, name = '', kind]) => [name, kind] as const).filter(([name]) => !OTHERS.has(name));
  assert.ok(flags.length >= 54, String(flags.length));
  for (const [name, kind] of flags) {
    const value = kind === undefined ? undefined : (VALUES[kind] ?? 'text');
    for (const args of value === undefined
      ? [[`--${name}`], [`--${name}=false`]]
      : [[`--${name}=${value}`], [`--${name}`, value]]) {
      assert.doesNotThrow(() => readProxyFlags(args), `${args.join(' ')} (${kind})`);
    }
  }
});

test('kube-proxy refuses what we refuse, in the same words', { skip: kubeProxyMissing() ?? false }, () => {
  const directory = mkdtempSync(join(tmpdir(), 'clusterip-config-'));
  try {
    const [file, written] = [join(directory, 'config.conf'), join(directory, 'written.conf')];
    for (const [config, error] of refusedConfigs) {
      writeFileSync(file, `${HEAD}${config}\n`);
      const { stderr } = spawnSync(kubeProxyPath(), ['--config', file, '--write-config-to', written], {
        encoding: 'utf8',
      });
      const said: unknown = JSON.parse(/ err=(".*")$/m.exec(stderr)?.[1] ?? '""');
      assert.equal(said, `failed validate: ${error}`, config);
    }
  } finally {
    rmSync(directory, { recursive: true });
  }
});

test(
  'the configuration that kube-proxy writes is taken whole, and says the same',
  { skip: kubeProxyMissing() ?? false },
  () => {
    const directory = mkdtempSync(join(tmpdir(), 'clusterip-config-'));
    try {
      const file = join(directory, 'config.conf');
      for (const [mode, more] of [
        ['nftables', 'nodePortAddresses: [primary]'],
        ['iptables', ''],
      ] as const) {
        const { status, stderr } = spawnSync(kubeProxyPath(), [`--write-config-to=${file}`, `--proxy-mode=${mode}`]);
        assert.equal(status, 0, String(stderr));
        const { raw, warnings, idle } = parseConfigText(file, readFileSync(file, 'utf8'));
        assert.deepEqual(warnings, []);
        const periods = [`${mode}.minSyncPeriod`, `${mode}.syncPeriod`];
        const client = ['burst', 'contentType', 'qps'].map((name) => `clientConnection.${name}`);
        assert.deepEqual([...idle].sort(), [...client, 'configSyncPeriod', 'logging', ...periods].sort());
        assert.deepEqual(
          resolveConfig(raw),
          resolveConfig(parseConfigText(file, `${HEAD}mode: ${mode}\n${more}\n`).raw),
        );
      }
    } finally {
      rmSync(directory, { recursive: true });
    }
  },
);
