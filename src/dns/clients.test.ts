import assert from 'node:assert/strict';
import { execFile, spawnSync } from 'node:child_process';
import process from 'node:process';
import test from 'node:test';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';

/** In namespaces of its own: port 53 and /etc/resolv.conf are wanted, and no others' traffic. */
async function run(commands: readonly (readonly string[])[]): Promise<readonly string[]> {
  const main = fileURLToPath(new URL('testing/client-world-main.ts', import.meta.url));
  const namespaces = ['--user', '--map-root-user', '--net', '--mount', '--kill-child', '--fork'];
  const args = [
    ...namespaces,
    process.execPath,
    '--disable-warning=ExperimentalWarning',
    main,
    JSON.stringify(commands),
  ];
  const { stdout } = await promisify(execFile)('unshare', args, { timeout: 120_000 });
  return JSON.parse(stdout) as string[];
}

function has(program: string): boolean {
  return spawnSync('sh', ['-c', `command -v ${program}`]).status === 0;
}

const canRun =
  has('ip') && spawnSync('unshare', ['--user', '--map-root-user', '--net', '--mount', 'true']).status === 0;
const addresses = (output: string | undefined): string =>
  [...new Set((output ?? '').split('\n').flatMap((line) => line.split(/\s+/)[0] || []))].join(' ');

test('glibc asks and understands', { skip: !canRun || !has('getent') }, async () => {
  const outputs = await run([
    ['getent', 'ahosts', 'web.ns.svc.cluster.local'],
    ['getent', 'ahosts', 'WEB'],
    ['getent', 'ahosts', 'kube-dns.kube-system'],
    ['getent', 'ahosts', 'dual.ns.svc'],
    ['getent', 'ahosts', 'chain'],
    ['getent', 'ahosts', 'p.pair'],
    ['getent', 'ahosts', 'none'],
    ['getent', 'hosts', '10.244.0.6'],
    ['getent', 'ahosts', 'many'],
  ]);
  const many = outputs.at(-1);
  assert.deepEqual(
    [...outputs.slice(0, 7).map(addresses), outputs[7]?.split(/\s+/).slice(0, 2).join(' ')],
    [
      '10.96.0.7',
      '10.96.0.7',
      '10.96.0.10',
      'fd00:96::9 10.96.0.9',
      '10.96.0.7',
      'fd00:244::1 10.244.1.1',
      '',
      '10.244.0.6 db-0.db.ns.svc.cluster.local',
    ].map((line, i) => (i === 3 || i === 5 ? sameSet(addresses(outputs[i]), line) : line)),
  );
  // Too much for UDP: it comes over TCP.
  assert.equal(addresses(many).split(' ').length, 200);
});

/** Which family comes first is the client's affair. */
function sameSet(actual: string, expected: string): string {
  assert.deepEqual(actual.split(' ').toSorted(), expected.split(' ').toSorted());
  return actual;
}

test("Node's resolver asks and understands", { skip: !canRun }, async () => {
  const script = `
    const dns = require('node:dns').promises;
    const show = (promise) => promise.then((x) => JSON.stringify(x), (e) => e.code);
    (async () => {
      console.log(await show(dns.resolve4('web.ns.svc.cluster.local', { ttl: true })));
      console.log(await show(dns.resolveSrv('_http._tcp.web.ns.svc.cluster.local')));
      console.log(await show(dns.resolveTxt('dns-version.cluster.local')));
      console.log(await show(dns.reverse('10.96.0.7')));
      console.log(await show(dns.resolve4('none.ns.svc.cluster.local')));
      console.log(await show(dns.resolve6('web.ns.svc.cluster.local')));
      console.log(await show(dns.resolveCname('inside.ns.svc.cluster.local')));
      console.log(await show(dns.resolveSoa('cluster.local').then((soa) => soa.nsname)));
      console.log(await show(dns.resolve4('many.ns.svc.cluster.local').then((all) => all.length)));
    })();`;
  const [output] = await run([[process.execPath, '-e', script]]);
  assert.deepEqual(output?.trim().split('\n'), [
    '[{"address":"10.96.0.7","ttl":5}]',
    '[{"name":"web.ns.svc.cluster.local","port":80,"priority":0,"weight":100,"type":"SRV"}]',
    '[["1.1.0"]]',
    '["web.ns.svc.cluster.local"]',
    'ENOTFOUND',
    'ENODATA',
    '["web.ns.svc.cluster.local"]',
    '"ns.dns.cluster.local"',
    '200',
  ]);
});

test('dig asks and understands', { skip: !canRun || !has('dig') }, async () => {
  const outputs = await run([
    ['dig', '+short', 'web.ns.svc.cluster.local'],
    ['dig', '+short', '+tcp', '_http._tcp.db.ns.svc.cluster.local', 'SRV'],
    ['dig', '+noall', '+comments', '+edns=1', '+noednsneg', 'web.ns.svc.cluster.local'],
    ['dig', '+noall', '+comments', '+cookie', 'none.ns.svc.cluster.local'],
    ['dig', '+short', 'cluster.local', 'AXFR'],
  ]);
  assert.equal(outputs[0], '10.96.0.7\n');
  assert.deepEqual(outputs[1]?.trim().split('\n').toSorted(), [
    '0 50 80 10-244-0-7.db.ns.svc.cluster.local.',
    '0 50 80 db-0.db.ns.svc.cluster.local.',
  ]);
  assert.match(outputs[2] ?? '', /status: BADVERS/);
  assert.match(outputs[3] ?? '', /status: NXDOMAIN.*\n;; flags: qr aa rd ra/);
  assert.match(outputs[4] ?? '', /^(; Transfer failed.\n)?$/);
});
