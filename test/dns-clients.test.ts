/**
 * Names as programs in Pods look them up: with the resolvers of glibc, musl, Node, busybox and dig, under each dnsPolicy,
 * with and without a search path that the server walks. All names are the cluster's: nothing is asked of the outside.
 */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import process from 'node:process';
import test from 'node:test';
import { fileURLToPath } from 'node:url';
import { modes } from './testing/mode.ts';
import { TestCluster } from './testing/test-cluster.ts';

const has = (program: string): boolean => spawnSync('sh', ['-c', `command -v ${program}`]).status === 0;

/** A static program of musl's, in base64; undefined where there is no compiler for it. */
function muslProgram(): string | undefined {
  if (!has('musl-gcc')) return undefined;
  const directory = mkdtempSync(join(tmpdir(), 'musl-'));
  try {
    const source = fileURLToPath(new URL('testing/musl-resolve.c', import.meta.url));
    const program = join(directory, 'resolve');
    const { status, stderr } = spawnSync('musl-gcc', ['-static', '-Os', '-s', '-o', program, source]);
    assert.equal(status, 0, String(stderr));
    return readFileSync(program).toString('base64');
  } finally {
    rmSync(directory, { recursive: true });
  }
}

interface PodOptions {
  readonly dnsPolicy?: string;
  readonly dnsConfig?: object;
  readonly hostNetwork?: boolean;
  readonly labels?: Readonly<Record<string, string>>;
  readonly hostname?: string;
  readonly subdomain?: string;
}

function pod(name: string, { labels = {}, ...spec }: PodOptions): object {
  return {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: { name, labels },
    spec: {
      ...spec,
      terminationGracePeriodSeconds: 0,
      containers: [{ name: 'client', image: 'host', command: ['sleep', 'infinity'] }],
    },
  };
}

const headless = {
  apiVersion: 'v1',
  kind: 'Service',
  metadata: { name: 'db' },
  spec: { clusterIP: 'None', selector: { app: 'db' }, ports: [{ name: 'sql', port: 5432 }] },
};
const fixed = {
  apiVersion: 'v1',
  kind: 'Service',
  metadata: { name: 'web' },
  spec: { clusterIP: '10.96.7.7', ports: [{ name: 'http', port: 80 }] },
};
const alias = {
  apiVersion: 'v1',
  kind: 'Service',
  metadata: { name: 'alias' },
  spec: { type: 'ExternalName', externalName: 'web.default.svc.cluster.local' },
};

const objects = [
  headless,
  fixed,
  alias,
  pod('db-0', { labels: { app: 'db' }, hostname: 'db-0', subdomain: 'db' }),
  pod('first', { dnsPolicy: 'ClusterFirst' }),
  pod('hostnet', { dnsPolicy: 'ClusterFirstWithHostNet', hostNetwork: true }),
  pod('default', { dnsPolicy: 'Default' }),
  pod('none', {
    dnsPolicy: 'None',
    dnsConfig: {
      nameservers: ['10.96.0.10'],
      searches: ['kube-system.svc.cluster.local', 'default.svc.cluster.local'],
      options: [{ name: 'ndots', value: '2' }],
    },
  }),
];

const NAMES = [
  'web',
  'web.default',
  'web.default.svc',
  'web.default.svc.cluster.local',
  'alias',
  'kube-dns.kube-system',
];

const NODE_SCRIPT = `
const dns = require('node:dns').promises;
const show = (name, promise) => promise.then((x) => name + ' ' + x, (e) => name + ' ' + e.code).then(console.log);
(async () => {
  for (const name of process.argv.slice(1)) {
    await show(name, dns.lookup(name, { all: true }).then((all) => all.map(({ address }) => address).join(' ')));
  }
  await show('SRV', dns.resolveSrv('_sql._tcp.db.default.svc.cluster.local').then((all) => all.map(({ name, port }) => port + ' ' + name).join()));
})();`;

const [{ mode, skip } = { mode: 'rootless', skip: 'nobody to run it as' } as const] = modes().toReversed();

// Also without it: the server walks for none of the Pods that have another search path than their own, or the node's network.
test('names in Pods, --dns-autopath on', { skip, timeout: 200_000 }, async (t) => {
  await using cluster = await TestCluster.start({ mode, args: ['--dns-autopath=on'] });
  await cluster.apply(JSON.stringify({ apiVersion: 'v1', kind: 'List', items: objects }));
  await cluster.kubectl('wait', '--for=condition=Ready', 'pod', '--all', '--timeout=60s');
  const database = await cluster.jsonpath('{.status.podIP}', 'pod', 'db-0');
  const inPod = (name: string, script: string, ...args: readonly string[]): Promise<string> =>
    cluster.kubectl('exec', name, '--', 'sh', '-c', script, 'sh', ...args);

  const address = (name: string): string =>
    name.startsWith('kube-dns') ? '10.96.0.10' : name.startsWith('db') ? database : '10.96.7.7';
  const lines = (names: readonly string[]): string => names.map((name) => `${name} ${address(name)}\n`).join('');
  const names = [...NAMES, 'db', 'db-0.db', 'db-0.db.default.svc.cluster.local.'];
  /** In a Pod without the search path of its own namespace's parents. */
  const namesOf = (who: string): readonly string[] =>
    who === 'none' ? ['web', 'kube-dns', 'db', 'db-0.db.default.svc.cluster.local.'] : names;

  for (const who of ['first', 'hostnet', 'none']) {
    const asked = namesOf(who);
    await t.test(`glibc, ${who}`, { skip: !has('getent') }, async () => {
      const script = 'for n in "$@"; do echo "$n $(getent ahosts "$n" | cut -d" " -f1 | sort -u)"; done';
      assert.equal(await inPod(who, script, ...asked), lines(asked));
    });
    await t.test(`Node, ${who}`, async () => {
      // Pods do not see the machine's /tmp, where this checkout may be.
      const script = 'n="$0"; [ -x "$n" ] || n=node; exec "$n" -e "$@"';
      const output = await cluster.kubectl(
        'exec',
        who,
        '--',
        'sh',
        '-c',
        script,
        process.execPath,
        NODE_SCRIPT,
        ...asked,
      );
      assert.equal(output, `${lines(asked)}SRV 5432 db-0.db.default.svc.cluster.local\n`);
    });
  }

  await t.test('musl', async (tt) => {
    const program = muslProgram();
    if (program === undefined) return tt.skip('no musl-gcc on PATH: it is in the package musl-tools');
    for (const who of ['first', 'hostnet', 'none']) {
      // musl has no use for a dot at the end of names from the search path, and takes NXDOMAIN of one type for both.
      const asked = namesOf(who);
      const script = 'base64 -d > /tmp/resolve && chmod +x /tmp/resolve && exec /tmp/resolve "$@"';
      const done = await cluster.try(['exec', '-i', who, '--', 'sh', '-c', script, 'sh', ...asked], program);
      assert.equal(done.stdout, lines(asked), `${who}: ${done.stderr}`);
    }
    const missing = await cluster.try(['exec', 'first', '--', '/tmp/resolve', 'none.default.svc.cluster.local.']);
    assert.match(missing.stdout, /^none.default.svc.cluster.local. \(.*not.*\)\n$/i);
  });

  await t.test('busybox', { skip: !existsSync('/bin/busybox') }, async () => {
    const output = await inPod('first', '/bin/busybox nslookup web.default.svc.cluster.local');
    assert.match(output, /Address.*10\.96\.7\.7/);
  });

  await t.test('dig walks the search path without a failure', { skip: !has('dig') }, async () => {
    const output = await inPod('first', 'dig +search +noall +comments +answer kube-dns.kube-system');
    assert.match(output, /status: NOERROR/);
    assert.match(output, /\sA\s+10\.96\.0\.10/);
    assert.doesNotMatch(output, /SERVFAIL/);
    const missing = await inPod('first', 'dig +noall +comments none.default.svc.cluster.local');
    assert.match(missing, /status: NXDOMAIN/);
  });

  await t.test("dnsPolicy Default has the machine's servers, and none of the cluster's domains", async () => {
    const text = await inPod('default', 'cat /etc/resolv.conf');
    assert.doesNotMatch(text, /cluster\.local/);
  });

  await t.test('metrics of DNS, through its Service', { skip: !has('curl') }, async () => {
    const text = await inPod('first', 'curl -sf http://kube-dns.kube-system:9153/metrics');
    assert.match(
      text,
      /coredns_dns_requests_total\{server="dns:\/\/:53",zone="\.",view="",proto="udp",family="1",type="A"\} \d+/,
    );
    // The endpoints of `db` came while it was there.
    assert.match(
      text,
      /coredns_kubernetes_dns_programming_duration_seconds_count\{service_kind="headless_with_selector"\} [1-9]/,
    );
    assert.doesNotMatch(text, /rcode="SERVFAIL"/);
    assert.equal(await inPod('first', 'curl -sf http://kube-dns.kube-system:9153/ready'), 'OK');
  });
});
