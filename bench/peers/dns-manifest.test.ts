/** examples/dns on a real kube-apiserver: it takes every object, and the account has the rights that DNS needs, no more. */
import assert from 'node:assert/strict';
import { spawn, spawnSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { CommandHome } from '../../src/cli/testing/command-home.ts';
import { until } from '../../src/dns/testing/until.ts';
import { KubeApiServer, peerMissing } from './kube-apiserver.ts';

const root = fileURLToPath(new URL('../..', import.meta.url));
const ACCOUNT = 'system:serviceaccount:kube-system:clusterip-dns';
const noKubectl = spawnSync('kubectl', ['version', '--client']).status === 0 ? undefined : 'no kubectl on PATH';

test('the manifest of examples/dns', { skip: peerMissing() ?? noKubectl ?? false, timeout: 150_000 }, async () => {
  await using api = await KubeApiServer.start(['10.96.0.0/16'], { authorization: 'RBAC' });
  using home = new CommandHome();
  const config = join(home.path, 'config');
  writeFileSync(config, api.kubeconfig);
  const kubectl = (...args: readonly string[]): string => {
    const { stdout, stderr, status } = spawnSync('kubectl', ['--kubeconfig', config, ...args], { encoding: 'utf8' });
    assert.equal(status, 0, stderr);
    return stdout.trim();
  };
  const applied = kubectl('apply', '-f', join(root, 'examples/dns/dns.yaml')).split('\n');
  assert.deepEqual(applied, [
    'serviceaccount/clusterip-dns created',
    'clusterrole.rbac.authorization.k8s.io/system:clusterip-dns created',
    'clusterrolebinding.rbac.authorization.k8s.io/system:clusterip-dns created',
    'deployment.apps/clusterip-dns created',
    'poddisruptionbudget.policy/clusterip-dns created',
    'service/kube-dns created',
  ]);
  const token = kubectl('-n', 'kube-system', 'create', 'token', 'clusterip-dns');
  const { clusters } = JSON.parse(api.kubeconfig) as { readonly clusters: readonly object[] };
  const own = {
    apiVersion: 'v1',
    kind: 'Config',
    clusters,
    users: [{ name: 'dns', user: { token } }],
    contexts: [{ name: 'dns', context: { cluster: 'peer', user: 'dns' } }],
    'current-context': 'dns',
  };
  const account = join(home.path, 'account');
  writeFileSync(account, JSON.stringify(own));
  const who = spawnSync('kubectl', [
    '--kubeconfig',
    account,
    'auth',
    'whoami',
    '-o',
    'jsonpath={.status.userInfo.username}',
  ]);
  assert.equal(String(who.stdout), ACCOUNT);
  const args = ['dns', '--kubeconfig', account, '--listen', '127.0.0.1:0', '--autopath', '--upstream', '127.0.0.1:9'];
  const dns = spawn(join(root, 'bin/clusterip'), args, { stdio: ['ignore', 'ignore', 'pipe'] });
  let said = '';
  dns.stderr.on('data', (text) => (said += String(text)));
  try {
    await until(
      'the cluster is known',
      () => said.includes('cluster is known'),
      () => said,
    );
    assert.match(said, /cluster is known services=2 /);
    assert.doesNotMatch(said, /forbidden/);
  } finally {
    dns.kill('SIGKILL');
  }
  const may = kubectl('auth', 'can-i', '--list', `--as=${ACCOUNT}`, '--no-headers').split('\n');
  // Paths that are no resources, and questions about oneself, are everybody's.
  const rights = may.filter((line) => !/^\s|^selfsubject/.test(line));
  assert.deepEqual(
    rights.map((line) => line.replaceAll(/\s+/g, ' ')).toSorted(),
    ['endpointslices', 'namespaces', 'pods', 'services']
      .map((name) => `${name === 'endpointslices' ? `${name}.discovery.k8s.io` : name} [] [] [list watch]`)
      .toSorted(),
  );
});
