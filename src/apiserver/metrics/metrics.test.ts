import assert from 'node:assert/strict';
import test from 'node:test';
import { show, TestServer } from '../testing/test-server.ts';

async function metrics(server: TestServer, name: RegExp): Promise<string[]> {
  const text = show(await server.get('/metrics'));
  assert.match(text, /^200 text\/plain; version=0\.0\.4; charset=utf-8 # HELP apiserver_request_total /);
  return text.split('\n').filter((line) => !line.startsWith('#') && name.test(line) && !line.endsWith('} 0'));
}

test('requests, watches and objects are counted', async () => {
  await using server = await TestServer.start({ keepRanges: false });
  const path = '/api/v1/namespaces/default/configmaps';
  await using watch = await server.watch(`${path}?watch=1`);
  await server.post(path, { metadata: { name: 'a' } });
  await server.post(path, { metadata: { name: 'a' } });
  await server.post(path, { metadata: { name: 'b' } });
  await watch.next(2);
  await server.get(`${path}/a`);
  await server.patch('/apis/apps/v1/namespaces/default/deployments/x/status', 'merge', {});
  for (const nowhere of ['/api/v1/x1', '/api/v1/x2', '/apis/a/b/c', '/api/v1/namespaces/default/pods/a/x'])
    await server.get(nowhere);
  const named = 'component="apiserver",dry_run="",group="",resource="configmaps"';
  const maps = `${named},scope="namespace",subresource=""`;
  assert.deepEqual(await metrics(server, /^apiserver_request_total.*(?:configmaps|deployments|404.*resource="")/), [
    `apiserver_request_total{code="200",${maps},verb="WATCH",version="v1"} 1`,
    `apiserver_request_total{code="201",${maps},verb="POST",version="v1"} 2`,
    `apiserver_request_total{code="409",${maps},verb="POST",version="v1"} 1`,
    `apiserver_request_total{code="200",${named},scope="resource",subresource="",verb="GET",version="v1"} 1`,
    'apiserver_request_total{code="404",component="apiserver",dry_run="",group="apps",resource="deployments",scope="resource",subresource="status",verb="PATCH",version="v1"} 1',
    'apiserver_request_total{code="404",component="apiserver",dry_run="",group="",resource="",scope="",subresource="",verb="GET",version=""} 4',
  ]);
  assert.deepEqual(
    await metrics(server, /^apiserver_(?:watch|longrunning|storage_objects).*(?:configmaps|namespaces")/),
    [
      'apiserver_longrunning_requests{component="apiserver",verb="WATCH",group="",version="v1",kind="ConfigMap",resource="configmaps"} 1',
      'apiserver_watch_events_total{group="",version="v1",kind="ConfigMap",resource="configmaps"} 2',
      'apiserver_storage_objects{resource="namespaces"} 1',
      'apiserver_storage_objects{resource="configmaps"} 2',
    ],
  );
  assert.deepEqual(
    await metrics(server, /^apiserver_request_duration_seconds.*(?:le="0.005"|le="\+Inf"|_count|_sum).*/).then(
      (lines) => lines.filter((line) => /PATCH/.test(line)),
    ),
    [
      ...['0.005', '+Inf'].map(
        (le) =>
          `apiserver_request_duration_seconds_bucket{component="apiserver",dry_run="",group="apps",resource="deployments",scope="resource",subresource="status",verb="PATCH",version="v1",le="${le}"} 1`,
      ),
      'apiserver_request_duration_seconds_count{component="apiserver",dry_run="",group="apps",resource="deployments",scope="resource",subresource="status",verb="PATCH",version="v1"} 1',
    ],
  );
  assert.deepEqual(await metrics(server, /^apiserver_current_inflight/), [
    'apiserver_current_inflight_requests{request_kind="readOnly"} 1',
  ]);
  assert.match(
    (await metrics(server, /^process_/)).join('\n'),
    /^process_cpu_seconds_total \d[^]*^process_resident_memory_bytes \d{6}/m,
  );
});

test('parts of the cluster are asked for readiness, not for life', async () => {
  let problem: string | undefined = 'no socket';
  const checks = [{ name: 'dns', problem: () => problem }];
  await using server = await TestServer.start({ checks });
  const text = '200 text/plain; charset=utf-8 ';
  assert.equal(show(await server.get('/livez')), `${text}ok`);
  assert.equal(
    show(await server.get('/readyz')),
    '500 text/plain; charset=utf-8 [+]ping ok\n[+]etcd ok\n[+]informer-sync ok\n[-]dns failed: reason withheld\nreadyz check failed\n',
  );
  problem = undefined;
  assert.equal(show(await server.get('/readyz/dns')), `${text}ok`);
  assert.equal(
    show(await server.get('/readyz?verbose')),
    `${text}[+]ping ok\n[+]etcd ok\n[+]informer-sync ok\n[+]dns ok\nreadyz check passed\n`,
  );
});
