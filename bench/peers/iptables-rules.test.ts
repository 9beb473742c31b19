import { spawnSync } from 'node:child_process';
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { peerMissing } from './kube-apiserver.ts';
import { kubeProxyMissing } from './kube-proxy.ts';

const missing = peerMissing() ?? kubeProxyMissing() ?? (process.getuid?.() === 0 ? undefined : 'kube-proxy needs root');

test('a real kube-proxy makes the rules that are recorded', { skip: missing ?? false }, () => {
  const script = fileURLToPath(new URL('iptables-rules.ts', import.meta.url));
  const { status, stderr } = spawnSync(process.execPath, [script], { encoding: 'utf8' });
  assert.equal(status, 0, stderr);
});
