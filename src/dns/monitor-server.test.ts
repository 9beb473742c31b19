import assert from 'node:assert/strict';
import test from 'node:test';
import { ManualClock } from '#base/clock.ts';
import { createForwarder } from './forward-socket.ts';
import { DnsMetrics, withMetrics } from './metrics.ts';
import { metricsText } from './metrics-text.ts';
import { lameDuck, type Monitor } from './monitor.ts';
import { startMonitorServer } from './monitor-server.ts';
import { ProgrammingLatency } from './programming-latency.ts';
import { ask } from './testing/ask.ts';
import { testZone } from './testing/cluster.ts';
import { testResolver } from './testing/resolver.ts';

test('counts what it answers, under the names of CoreDNS', async () => {
  const clock = new ManualClock();
  const metrics = new DnsMetrics();
  const forwarder = createForwarder({ upstreams: ['192.0.2.1'], clock });
  const resolve = withMetrics(testResolver(testZone()), metrics, clock);
  for (let i = 0; i < 128; i++) await ask(resolve, 'web.ns.svc.cluster.local A', {}, '10.244.0.1');
  await ask(resolve, 'none.ns.svc.cluster.local AAAA', { edns: 1232 }, 'fd00::1');
  await ask(resolve, 'example.org MX', {}, '::ffff:10.244.0.1');
  const at = 'server="dns://:53",zone=".",view=""';
  const server = 'dns://:53';
  const programming = 'coredns_kubernetes_dns_programming_duration_seconds';
  const latency = new ProgrammingLatency(clock);
  latency.seconds.observe(0.003);
  const servers = [{ server, zone: '.', metrics, plugins: ['kubernetes'] }];
  const forwarders = [{ server, zones: '.', forwarder }];
  const lines = metricsText({ servers, forwarders, version: '1', programming: latency.seconds })
    .split('\n')
    .filter(
      (line) =>
        /_total|_sum|_count|le="100"|programming.*le="0.00[248]"|broken_total |info|enabled/.test(line) &&
        line.startsWith('coredns'),
    );
  assert.deepEqual(lines, [
    'coredns_build_info{version="1",revision="",goversion=""} 1',
    'coredns_panics_total 0',
    'coredns_reload_failed_total 0',
    `coredns_plugin_enabled{${at},name="kubernetes"} 1`,
    `coredns_dns_requests_total{${at},proto="udp",family="1",type="A"} 128`,
    `coredns_dns_requests_total{${at},proto="udp",family="1",type="MX"} 1`,
    `coredns_dns_requests_total{${at},proto="udp",family="2",type="AAAA"} 1`,
    `coredns_dns_do_requests_total{${at}} 0`,
    `coredns_dns_responses_total{${at},rcode="SERVFAIL",plugin=""} 1`,
    `coredns_dns_responses_total{${at},rcode="NOERROR",plugin="kubernetes"} 128`,
    `coredns_dns_responses_total{${at},rcode="NXDOMAIN",plugin="kubernetes"} 1`,
    `coredns_dns_request_duration_seconds_sum{${at}} 0`,
    `coredns_dns_request_duration_seconds_count{${at}} 130`,
    `coredns_dns_request_size_bytes_bucket{${at},proto="udp",le="100"} 130`,
    `coredns_dns_request_size_bytes_sum{${at},proto="udp"} ${128 * 42 + 54 + 29}`,
    `coredns_dns_request_size_bytes_count{${at},proto="udp"} 130`,
    `coredns_dns_request_size_bytes_bucket{${at},proto="tcp",le="100"} 0`,
    `coredns_dns_request_size_bytes_sum{${at},proto="tcp"} 0`,
    `coredns_dns_request_size_bytes_count{${at},proto="tcp"} 0`,
    `coredns_dns_response_size_bytes_bucket{${at},proto="udp",le="100"} 129`,
    `coredns_dns_response_size_bytes_sum{${at},proto="udp"} ${128 * 58 + 108 + 29}`,
    `coredns_dns_response_size_bytes_count{${at},proto="udp"} 130`,
    `coredns_dns_response_size_bytes_bucket{${at},proto="tcp",le="100"} 0`,
    `coredns_dns_response_size_bytes_sum{${at},proto="tcp"} 0`,
    `coredns_dns_response_size_bytes_count{${at},proto="tcp"} 0`,
    `${programming}_bucket{service_kind="headless_with_selector",le="0.002"} 0`,
    `${programming}_bucket{service_kind="headless_with_selector",le="0.004"} 1`,
    `${programming}_bucket{service_kind="headless_with_selector",le="0.008"} 1`,
    `${programming}_sum{service_kind="headless_with_selector"} 0.003`,
    `${programming}_count{service_kind="headless_with_selector"} 1`,
    'coredns_cache_evictions_total{server="dns://:53",zones=".",view="",type="success"} 0',
    'coredns_cache_evictions_total{server="dns://:53",zones=".",view="",type="denial"} 0',
    'coredns_cache_hits_total{server="dns://:53",zones=".",view="",type="success"} 0',
    'coredns_cache_hits_total{server="dns://:53",zones=".",view="",type="denial"} 0',
    'coredns_cache_requests_total{server="dns://:53",zones=".",view=""} 0',
    'coredns_cache_misses_total{server="dns://:53",zones=".",view=""} 0',
    'coredns_cache_prefetch_total{server="dns://:53",zones=".",view=""} 0',
    'coredns_cache_drops_total{server="dns://:53",zones=".",view=""} 0',
    'coredns_cache_served_stale_total{server="dns://:53",zones=".",view=""} 0',
    'coredns_forward_max_concurrent_rejects_total 0',
    'coredns_forward_healthcheck_broken_total 0',
    'coredns_proxy_healthcheck_failures_total{proxy_name="forward",to="192.0.2.1:53"} 0',
  ]);
});

test('says over HTTP whether it lives, is ready, or about to leave', async () => {
  let ready = false;
  const monitor: Monitor = { isReady: () => ready, metrics: () => 'm 1\n', leaving: false };
  const server = await startMonitorServer({ monitor, host: '127.0.0.1', port: 0 });
  const get = async (path: string): Promise<string> => {
    const response = await fetch(`http://127.0.0.1:${server.port}${path}`);
    return `${response.status} ${await response.text()}`;
  };
  try {
    assert.deepEqual(await Promise.all(['/health', '/ready', '/metrics', '/x'].map(get)), [
      '200 OK',
      '503 kubernetes',
      '200 m 1\n',
      '404 not found',
    ]);
    ready = true;
    assert.equal(await get('/ready'), '200 OK');
    const clock = new ManualClock();
    let closed = false;
    const done = lameDuck(monitor, 5000, clock, () => (closed = true));
    assert.equal(await get('/ready'), '503 leaving');
    assert.equal(await get('/health'), '200 OK');
    await clock.advance(4999);
    assert.equal(closed, false);
    await clock.advance(1);
    await done;
    assert.equal(closed, true);
  } finally {
    await server.close();
  }
});
