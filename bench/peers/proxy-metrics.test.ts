/** `/metrics`, `/healthz` and the other pages of `clusterip proxy` beside those of the real kube-proxy, in each mode. */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { CommandHome } from '../../src/cli/testing/command-home.ts';
import { until } from '../../src/cli/testing/proxy-node.ts';
import { isolateTestFile } from '../../src/netlink/isolated-test.ts';
import { RtnetlinkSocket } from '../../src/netlink/rtnetlink-socket.ts';
import { KubeApiServer, peerMissing } from './kube-apiserver.ts';
import { KubeProxy, kubeProxyMissing } from './kube-proxy.ts';

isolateTestFile();

const METRICS = 'http://127.0.0.1:10249';
const HEALTH = 'http://127.0.0.1:10256';

/** What kube-proxy has of the libraries that it is made of, of Go and of the API server's. */
const OF_GO =
  /^(go|apiserver|aggregator_discovery|cardinality_enforcement|rest_client_(exec_plugin|transport|rate_limiter|request_size|response_size)|(disabled|hidden|registered)_metrics)_/;
/** Switches of features, of which there are none here. */
const LEFT_OUT = /^kubernetes_feature_enabled$/;

/** `name type label,label` of every metric there is a sample of. */
function shapes(text: string): ReadonlySet<string> {
  const types = new Map([...text.matchAll(/^# TYPE (\S+) (\S+)$/gm)].map(([, name = '', type = '']) => [name, type]));
  const found = new Set<string>();
  for (const [, sample = '', inner = ''] of text.matchAll(/^([a-z_0-9]+)(?:\{(.*)\})? \S+$/gm)) {
    const whole = types.has(sample) ? sample : sample.replace(/_(bucket|sum|count)$/, '');
    const labels = [...inner.matchAll(/(\w+)="(?:[^"\\]|\\.)*"/g)].flatMap(([, label = '']) =>
      label === 'le' ? [] : [label],
    );
    found.add(`${whole} ${types.get(whole)} ${labels.sort().join()}`);
  }
  return found;
}

/** Ends of buckets, as `name{} 0.25`. */
function ends(text: string): ReadonlySet<string> {
  const found = text.matchAll(/^(kubeproxy_\w+|rest_client_request_duration_seconds)_bucket\{.*le="([^"]+)".*\}/gm);
  return new Set([...found].map(([, name, end]) => `${name} ${end}`));
}

function value(text: string, sample: string): string | undefined {
  return text
    .split('\n')
    .find((line) => line.startsWith(`${sample} `))
    ?.slice(sample.length + 1);
}

const NO_LOCAL = /^kubeproxy_sync_proxy_rules_no_local_endpoints_total.*$/gm;
/** The counts of rules, whatever the order of labels. */
const RULES = /^kubeproxy_sync_proxy_rules_iptables_total\{.*$/gm;

function normal(text: string, lines: RegExp): readonly string[] {
  return [...text.matchAll(lines)]
    .map(([line]) => line.replace(/\{(.*)\}/, (_, inner: string) => `{${inner.split(',').sort().join()}}`))
    .sort();
}

/** What differs by the moment, and what only says what another line is. */
const MOMENTS = /"20\d\d-[^"]*Z"|^# .*\n|^process_start_time_seconds .*\n/gm;

async function page(url: string): Promise<string> {
  const answer = await fetch(url).catch(() => undefined);
  if (answer === undefined) return '';
  const type = answer.headers.get('content-type')?.replace('; escaping=underscores', '');
  const sniff = answer.headers.get('x-content-type-options') ?? 'nosniff';
  return `${answer.status} ${type} ${sniff} ${(await answer.text()).replaceAll(MOMENTS, '')}`;
}

interface Observed {
  readonly metrics: string;
  readonly pages: readonly string[];
}

/** While changes of endpoints go by, so that partial syncs and flows that end are there to be counted. */
async function observe(api: KubeApiServer): Promise<Observed> {
  const metrics = async (): Promise<string> => (await fetch(`${METRICS}/metrics`)).text();
  const synced = 'kubeproxy_sync_proxy_rules_last_timestamp_seconds{ip_family="IPv4"}';
  await until('first sync', async () => Number(value(await metrics().catch(() => ''), synced) ?? 0) > 0);
  for (const path of ['healthz', 'livez']) await fetch(`${HEALTH}/${path}`);
  const partial = 'kubeproxy_sync_partial_proxy_rules_duration_seconds_count{ip_family="IPv4"}';
  for (let turn = 0; Number(value(await metrics(), partial) ?? 0) < 3; turn++) {
    const before = Number(value(await metrics(), partial) ?? 0);
    await setEndpoints(api, turn % 2 === 0 ? ['10.244.0.5'] : ['10.244.0.5', '10.244.0.6']);
    await until('a partial sync', async () => Number(value(await metrics(), partial) ?? 0) > before);
  }
  const paths = [
    '/proxyMode',
    '/healthz',
    '/livez',
    '/',
    '/metrics/',
    '/version',
    '/healthz/ping',
    '/metrics/slis',
    '/debug/pprof/',
    '/debug/flags/v',
    '/flagz',
    '/statusz',
    '/healthz?verbose',
  ].map((path) => METRICS + path);
  const health = ['/healthz', '/livez', '/healthz/', '/metrics', '/'].map((path) => HEALTH + path);
  const pages: string[] = [];
  for (const url of [...paths, ...health]) pages.push(`${url} ${await page(url)}`);
  return { metrics: await metrics(), pages };
}

const SERVICES = '/api/v1/namespaces/default/services';
const SLICES = '/apis/discovery.k8s.io/v1/namespaces/default/endpointslices';

async function send(api: KubeApiServer, method: 'PATCH' | 'POST', path: string, body: object): Promise<void> {
  const contentType = method === 'PATCH' ? 'application/merge-patch+json' : 'application/json';
  const answer = await api.ask({ method, path, body, contentType });
  assert.ok(answer.status < 300, JSON.stringify(answer.body));
}

function endpoints(addresses: readonly string[], nodeName: string): readonly object[] {
  return addresses.map((address) => ({ addresses: [address], conditions: { ready: true }, nodeName }));
}

/** Of the first Service, as the endpoint controller says when it happened. */
function setEndpoints(api: KubeApiServer, addresses: readonly string[]): Promise<void> {
  const annotations = { 'endpoints.kubernetes.io/last-change-trigger-time': new Date().toISOString() };
  return send(api, 'PATCH', `${SLICES}/first-1`, { metadata: { annotations }, endpoints: endpoints(addresses, 'a') });
}

async function addService(
  api: KubeApiServer,
  name: string,
  spec: object,
  addresses: readonly string[],
  nodeName: string,
): Promise<void> {
  const kind = 'Service';
  await send(api, 'POST', SERVICES, {
    apiVersion: 'v1',
    kind,
    metadata: { name },
    spec: { ports: [{ port: 80, protocol: 'UDP' }], ...spec },
  });
  await send(api, 'POST', SLICES, {
    apiVersion: 'discovery.k8s.io/v1',
    kind: 'EndpointSlice',
    metadata: { name: `${name}-1`, labels: { 'kubernetes.io/service-name': name } },
    addressType: 'IPv4',
    ports: [{ name: '', port: 8080, protocol: 'UDP' }],
    endpoints: endpoints(addresses, nodeName),
  });
}

const missing = peerMissing() ?? kubeProxyMissing();

for (const mode of ['nftables', 'iptables'] as const) {
  test(`mode ${mode} tells what kube-proxy tells`, { skip: missing ?? false }, async () => {
    {
      using rtnetlink = RtnetlinkSocket.open();
      rtnetlink.setLink('lo', { up: true });
    }
    using home = new CommandHome();
    await using api = await KubeApiServer.start(['10.96.0.0/12']);
    const status = { addresses: [{ type: 'InternalIP', address: '192.0.2.7' }] };
    await send(api, 'POST', '/api/v1/nodes', { apiVersion: 'v1', kind: 'Node', metadata: { name: 'a' }, status });
    await addService(api, 'first', {}, ['10.244.0.5'], 'a');
    const external = { type: 'LoadBalancer', externalTrafficPolicy: 'Local', externalIPs: ['203.0.113.5'] };
    await addService(api, 'second', { ...external, internalTrafficPolicy: 'Local' }, ['10.244.1.5'], 'b');
    await addService(api, 'third', { internalTrafficPolicy: 'Local' }, ['10.244.1.6'], 'b');
    await addService(api, 'empty', { internalTrafficPolicy: 'Local' }, [], 'b');
    const { kubeconfig } = api;
    let theirs: Observed;
    {
      const flags = ['--iptables-localhost-nodeports=false'];
      await using _ = new KubeProxy({ mode, kubeconfig, nodeName: 'a', clusterCidrs: ['10.244.0.0/16'], flags });
      theirs = await observe(api);
    }
    spawnSync('nft', ['flush', 'ruleset']);
    const file = join(home.path, 'kubeconfig');
    writeFileSync(file, kubeconfig);
    const args = [
      '--kubeconfig',
      file,
      '--node-name=a',
      '--mode',
      mode,
      '--cluster-cidr=10.244.0.0/16',
      '--localhost-nodeports=false',
    ];
    const { child, finished } = home.start(['proxy', ...args]);
    let ours: Observed;
    try {
      ours = await observe(api);
    } finally {
      child.kill('SIGKILL');
      await finished;
    }
    const own = shapes(ours.metrics);
    const wanted = [...shapes(theirs.metrics)].filter((shape) => {
      const [name = ''] = shape.split(' ');
      return !OF_GO.test(name) && !LEFT_OUT.test(name);
    });
    assert.ok(wanted.filter((shape) => shape.startsWith('kubeproxy_')).length >= 15, wanted.join('\n'));
    assert.deepEqual(
      wanted.filter((shape) => !own.has(shape)),
      [],
    );
    const ownEnds = ends(ours.metrics);
    const wantedEnds = [...ends(theirs.metrics)];
    assert.ok(wantedEnds.length > 100, String(wantedEnds.length));
    assert.deepEqual(
      wantedEnds.filter((end) => !ownEnds.has(end)),
      [],
    );
    assert.deepEqual(ours.pages, theirs.pages);
    assert.deepEqual(normal(ours.metrics, NO_LOCAL), normal(theirs.metrics, NO_LOCAL));
    assert.match(ours.metrics, /no_local_endpoints_total\{ip_family="IPv4",traffic_policy="internal"\} 2\n/);
    assert.deepEqual(normal(ours.metrics, RULES), normal(theirs.metrics, RULES));
  });
}
