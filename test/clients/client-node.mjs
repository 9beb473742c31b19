/**
 * Drives a cluster with @kubernetes/client-node, and prints what it saw, a line a fact. The Pod `streams` is the test's.
 * Run: KUBECONFIG=FILE node client-node.mjs
 */
import { once } from 'node:events';
import { connect, createServer } from 'node:net';
import { PassThrough } from 'node:stream';
import { text } from 'node:stream/consumers';
import * as k8s from '@kubernetes/client-node';

const namespace = 'default';
const config = new k8s.KubeConfig();
config.loadFromDefault();
const core = config.makeApiClient(k8s.CoreV1Api);
const say = (...facts) => console.log(...facts);

async function verbs() {
  const body = { metadata: { name: 'node', labels: { by: 'node' } }, data: { a: '1' } };
  await core.createNamespacedConfigMap({ namespace, body });
  const read = await core.readNamespacedConfigMap({ namespace, name: 'node' });
  say('read', read.data.a, read.metadata.creationTimestamp instanceof Date);
  const { metadata } = read;
  await core.replaceNamespacedConfigMap({ namespace, name: 'node', body: { metadata, data: { a: '2' } } });
  const stale = core.replaceNamespacedConfigMap({ namespace, name: 'node', body: read });
  say('stale', await stale.catch((error) => [error.code, JSON.parse(error.body).reason].join(' ')));
  const merge = k8s.setHeaderOptions('Content-Type', k8s.PatchStrategy.MergePatch);
  const patched = await core.patchNamespacedConfigMap({ namespace, name: 'node', body: { data: { b: '3' } } }, merge);
  say('patched', JSON.stringify(patched.data));
  const { items } = await core.listNamespacedConfigMap({ namespace, labelSelector: 'by=node' });
  say('listed', items.length);
  const objects = k8s.KubernetesObjectApi.makeApiClient(config);
  const applied = {
    apiVersion: 'v1',
    kind: 'ConfigMap',
    metadata: { name: 'node-apply', namespace },
    data: { x: 'y' },
  };
  const result = await objects.patch(applied, undefined, undefined, 'by-node', true, k8s.PatchStrategy.ServerSideApply);
  say('applied', result.metadata.managedFields.map(({ manager, operation }) => `${manager} ${operation}`).join());
  await core.deleteCollectionNamespacedConfigMap({ namespace, labelSelector: 'by=node' });
  const gone = core.readNamespacedConfigMap({ namespace, name: 'node' });
  say('gone', await gone.catch((error) => error.code));
}

async function watching() {
  const seen = [];
  const told = Promise.withResolvers();
  const watch = new k8s.Watch(config);
  const controller = await watch.watch(
    `/api/v1/namespaces/${namespace}/services`,
    { fieldSelector: 'metadata.name=node-watched' },
    (type, object) => {
      seen.push(`${type} ${object.metadata.name}`);
      if (seen.length === 2) told.resolve();
    },
    () => {},
  );
  const spec = { ports: [{ port: 80 }] };
  await core.createNamespacedService({ namespace, body: { metadata: { name: 'node-watched' }, spec } });
  await core.deleteNamespacedService({ namespace, name: 'node-watched' });
  await told.promise;
  controller.abort();
  say('watched', seen.join(', '));
}

async function informer() {
  const list = () => core.listNamespacedSecret({ namespace });
  const cache = k8s.makeInformer(config, `/api/v1/namespaces/${namespace}/secrets`, list);
  const seen = { add: Promise.withResolvers(), update: Promise.withResolvers(), delete: Promise.withResolvers() };
  for (const event of Object.keys(seen)) {
    cache.on(event, ({ metadata }) => metadata.name === 'node' && seen[event].resolve());
  }
  await cache.start();
  await core.createNamespacedSecret({ namespace, body: { metadata: { name: 'node' }, stringData: { a: 'b' } } });
  await seen.add.promise;
  const labels = k8s.setHeaderOptions('Content-Type', k8s.PatchStrategy.MergePatch);
  await core.patchNamespacedSecret({ namespace, name: 'node', body: { metadata: { labels: { a: 'b' } } } }, labels);
  await seen.update.promise;
  say('cached', Buffer.from(cache.get('node', namespace).data.a, 'base64').toString());
  await core.deleteNamespacedSecret({ namespace, name: 'node' });
  await seen.delete.promise;
  await cache.stop();
  say('informed of all three');
}

async function streams() {
  const stdout = new PassThrough();
  const stdin = new PassThrough();
  const status = Promise.withResolvers();
  const command = ['sh', '-c', 'head -n 1 | tr a-z A-Z; exit 4'];
  const exec = new k8s.Exec(config);
  await exec.exec(namespace, 'streams', 'web', command, stdout, null, stdin, false, status.resolve);
  stdin.write('shout\n');
  const { details } = await status.promise;
  stdout.end();
  say('exec', (await text(stdout)).trim(), details.causes[0].message);
  const logged = new PassThrough();
  await new k8s.Log(config).log(namespace, 'streams', 'web', logged, { tailLines: 1 });
  say('log', (await text(logged)).trim() !== '');
  const forward = new k8s.PortForward(config);
  const server = createServer((socket) => void forward.portForward(namespace, 'streams', [8080], socket, null, socket));
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const socket = connect(server.address().port, '127.0.0.1');
  socket.write('GET / HTTP/1.0\r\n\r\n');
  const [answer] = await once(socket, 'data');
  say('forwarded', answer.toString().split('\r\n')[0]);
  socket.destroy();
  server.close();
}

async function version() {
  const { gitVersion } = await config.makeApiClient(k8s.VersionApi).getCode();
  say('server', gitVersion);
}

for (const scenario of [verbs, watching, informer, streams, version]) await scenario();
process.exit(0);
