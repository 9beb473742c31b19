/** `clusterip dns` in the place of CoreDNS: kubeadm's own Corefile, probes, reload, and the way it ends. */
import assert from 'node:assert/strict';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import test from 'node:test';
import { askPort, DnsProcess, freePort } from './testing/dns-process.ts';
import { modes, root } from './testing/mode.ts';
import { TestCluster } from './testing/test-cluster.ts';
import { eventually } from './testing/traffic.ts';

/** As kubeadm writes it but for the ports, and servers that answer nothing: nothing is to leave this machine. */
const corefile = (
  ports: Readonly<Record<'dns' | 'health' | 'ready' | 'metrics', number>>,
  more = '',
): string => `.:${ports.dns} {
    bind lo {
       except ::1
    }
    errors
    health 127.0.0.1:${ports.health} {
       lameduck 1s
    }
    ready 127.0.0.1:${ports.ready}
    kubernetes cluster.local in-addr.arpa ip6.arpa {
       pods insecure
       fallthrough in-addr.arpa ip6.arpa
       ttl 30
    }
    prometheus 127.0.0.1:${ports.metrics}
    forward . 127.0.0.1:9 {
       max_concurrent 1000
    }
    cache 30 {
       disable success cluster.local
       disable denial cluster.local
    }
    loop
    reload 2s
    loadbalance
${more}}
`;

/** Asks a server for the address of `kubernetes`, over UDP: the code of the answer, and its last four bytes. */
const ASK = `
import socket, sys
name = b"".join(bytes([len(p)]) + p for p in b"kubernetes.default.svc.cluster.local".split(b".")) + bytes(1)
s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
s.settimeout(10)
s.connect((sys.argv[1], 53))
s.send(bytes([0, 7, 1, 0, 0, 1, 0, 0, 0, 0, 0, 0]) + name + bytes([0, 1, 0, 1]))
answer = s.recv(2048)
print(answer[3] & 15, ".".join(map(str, answer[-4:])))
`;

const [{ mode, skip } = { mode: 'rootless', skip: 'nobody to run it as' } as const] = modes().toReversed();

test(`kubeadm's Corefile answers for a cluster, as ${mode}`, { skip, timeout: 200_000 }, async (t) => {
  await using cluster = await TestCluster.start({ mode });
  const ports = { dns: await freePort(), health: await freePort(), ready: await freePort(), metrics: await freePort() };
  const file = join(cluster.home.path, 'Corefile');
  writeFileSync(file, corefile(ports));
  await using dns = await DnsProcess.start(cluster, '--corefile', file);
  const ask = (question: string): Promise<string> => askPort(ports.dns, question);
  const get = async (port: number, path: string): Promise<string> => {
    const response = await fetch(`http://127.0.0.1:${port}${path}`);
    return `${response.status} ${await response.text()}`;
  };

  await t.test('records', async () => {
    const kubernetes = 'kubernetes.default.svc.cluster.local';
    assert.equal(await ask(`${kubernetes} A`), `NOERROR | ${kubernetes} A 10.96.0.1`);
    assert.equal(await ask('1.0.96.10.in-addr.arpa PTR'), `NOERROR | 1.0.96.10.in-addr.arpa PTR ${kubernetes}`);
    assert.match(await ask('none.default.svc.cluster.local A'), /^NXDOMAIN \| ! cluster.local SOA /);
    assert.match(await ask('10-1-2-3.default.pod.cluster.local A'), /^NOERROR \| 10-1-2-3.* A 10.1.2.3$/);
  });

  await t.test('a Service is known as soon as it is made, also when it was asked for just before', async () => {
    const name = 'late.default.svc.cluster.local';
    assert.match(await ask(`${name} A`), /^NXDOMAIN/);
    await cluster.kubectl('create', 'service', 'clusterip', 'late', '--tcp=80', '--clusterip=10.96.7.7');
    await eventually('its address', `NOERROR | ${name} A 10.96.7.7`, () => ask(`${name} A`));
    await cluster.kubectl('delete', 'service', 'late');
    await eventually('its end', 'NXDOMAIN', async () => (await ask(`${name} A`)).slice(0, 8));
  });

  await t.test('probes and metrics', async () => {
    assert.equal(await get(ports.health, '/health'), '200 OK');
    assert.equal(await get(ports.ready, '/ready'), '200 OK');
    const text = await get(ports.metrics, '/metrics');
    assert.match(text, /coredns_dns_requests_total\{server="dns:\/\/127.0.0.1:\d+",zone=".",.*type="A"\} \d+/);
  });

  await t.test('the file is followed; one that cannot be is told of, and changes nothing', async () => {
    writeFileSync(file, corefile(ports, '    hosts {\n      192.0.2.7 seven.test\n      fallthrough\n    }\n'));
    await eventually('the new name', 'NOERROR | seven.test A 192.0.2.7', () => ask('seven.test A'));
    writeFileSync(file, corefile(ports, '    view a\n'));
    await eventually('the complaint', true, async () => dns.output.includes('the plugin \\"view\\" is not supported'));
    assert.equal(await ask('seven.test A'), 'NOERROR | seven.test A 192.0.2.7');
  });

  // Pods see the machine's files, but for its /tmp.
  const unseen = root.startsWith('/tmp/') ? 'Pods do not see this checkout' : false;
  await t.test('the Deployment of examples/dns answers in Pods, by its own account', { skip: unseen }, async () => {
    const all = { dns: 53, health: 8080, ready: 8181, metrics: 9153 };
    const text = corefile(all)
      .replaceAll('127.0.0.1:8', ':8')
      .replaceAll('127.0.0.1:9153', ':9153')
      .replace(/ +bind lo \{[^}]*\}\n/, '');
    await cluster.kubectl('-n', 'kube-system', 'create', 'configmap', 'coredns', `--from-literal=Corefile=${text}`);
    const manifest = readFileSync(join(root, 'examples/dns/dns.yaml'), 'utf8')
      .replaceAll('registry.example/clusterip:0.1', 'host')
      .replaceAll('/opt/clusterip/bin', join(root, 'bin'));
    // The Service is there already, and is the cluster's own.
    await cluster.apply(
      manifest
        .split('---\n')
        .filter((part) => !/^kind: Service$/m.test(part))
        .join('---\n'),
    );
    await cluster.kubectl('-n', 'kube-system', 'rollout', 'status', 'deployment/clusterip-dns', '--timeout=120s');
    const pods = await cluster.jsonpath(
      '{.items[*].status.podIP}',
      'pod',
      '-n',
      'kube-system',
      '-l',
      'app=clusterip-dns',
    );
    assert.equal(pods.split(' ').length, 2);
    const ask = ['-n', 'kube-system', 'exec', 'deploy/clusterip-dns', '--', 'python3', '-c', ASK];
    for (const pod of pods.split(' ')) assert.equal((await cluster.kubectl(...ask, pod)).trim(), '0 10.96.0.1');
  });

  await t.test('it answers on for a while when it is told to end', async () => {
    dns.signal('SIGTERM');
    await eventually('not ready', '503 leaving', () => get(ports.ready, '/ready'));
    assert.equal(await ask('seven.test A'), 'NOERROR | seven.test A 192.0.2.7');
    assert.equal(await dns.exited, 0, dns.output);
    assert.equal(await ask('seven.test A'), 'silence');
  });
});
