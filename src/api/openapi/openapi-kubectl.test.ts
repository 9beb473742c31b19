/**
 * Real kubectls against a server that has discovery and the OpenAPI documents and nothing else. Further
 * kubectls are named in CLUSTERIP_TEST_KUBECTLS, paths with colons between.
 */
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { once } from 'node:events';
import { accessSync, constants, readdirSync, realpathSync } from 'node:fs';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test from 'node:test';
import { promisify } from 'node:util';
import { openApiDocuments } from './openapi-documents.ts';
import { acceptsOpenApiV2Protobuf, OPENAPI_V2_PROTOBUF_TYPE } from './openapi-v2-protobuf.ts';
import { testKinds } from './openapi.test-kinds.ts';

const run = promisify(execFile);

/** `kubectl` and every `kubectl.1.N` on PATH, each once, and those that the variable names. */
function kubectls(): string[] {
  const dirs = (process.env['PATH'] ?? '').split(':');
  const found = dirs.flatMap((dir) => {
    try {
      return readdirSync(dir)
        .filter((name) => /^kubectl(\.1\.\d+)?$/.test(name))
        .map((name) => join(dir, name));
    } catch {
      return [];
    }
  });
  const named = (process.env['CLUSTERIP_TEST_KUBECTLS'] ?? '').split(':').filter((path) => path !== '');
  const real = [...named, ...found].flatMap((path) => {
    try {
      accessSync(path, constants.X_OK);
      return [[realpathSync(path), path] as const];
    } catch {
      return [];
    }
  });
  return [...new Map(real.reverse()).values()].reverse();
}

/** Serves discovery and OpenAPI of the test kinds; answers a write with its body; notes every request. */
async function serve(requests: string[]): Promise<Server> {
  const documents = openApiDocuments(testKinds, 'v1.34.2');
  const groups = [...new Set(testKinds.map((kind) => kind.group).filter((group) => group !== ''))];
  const version = (group: string): object => ({ groupVersion: `${group}/v1`, version: 'v1' });
  const json = (path: string): unknown => {
    if (path === '/version') return { major: '1', minor: '34', gitVersion: 'v1.34.2' };
    if (path === '/api') return { kind: 'APIVersions', versions: ['v1'] };
    if (path === '/apis') {
      return {
        kind: 'APIGroupList',
        apiVersion: 'v1',
        groups: groups.map((name) => ({ name, versions: [version(name)], preferredVersion: version(name) })),
      };
    }
    const list = /^\/api(?:s\/([^/]+))?\/v1$/.exec(path);
    if (list === null) return undefined;
    const group = list[1] ?? '';
    return {
      kind: 'APIResourceList',
      apiVersion: 'v1',
      groupVersion: group === '' ? 'v1' : `${group}/v1`,
      resources: testKinds
        .filter((kind) => kind.group === group)
        .map(({ plural, kind, namespaced, verbs }) => ({
          name: plural,
          singularName: kind.toLowerCase(),
          kind,
          namespaced,
          verbs,
        })),
    };
  };
  const server = createServer((request, response) => {
    const url = new URL(request.url ?? '/', 'http://localhost');
    requests.push(`${request.method} ${request.url}`);
    const chunks: Buffer[] = [];
    request.on('data', (chunk: Buffer) => chunks.push(chunk));
    request.on('end', () => {
      const send = (status: number, type: string, body: string | Uint8Array): void => {
        response.writeHead(status, { 'Content-Type': type });
        response.end(body);
      };
      const v3 = /^\/openapi\/v3\/?(.*)$/.exec(url.pathname);
      if (v3 !== null) {
        const document = v3[1] === '' ? documents.index() : documents.groupVersion(v3[1] ?? '');
        send(document === undefined ? 404 : 200, 'application/json', document?.text ?? '');
      } else if (url.pathname === '/openapi/v2') {
        if (acceptsOpenApiV2Protobuf(request.headers.accept ?? '')) {
          send(200, OPENAPI_V2_PROTOBUF_TYPE, documents.v2Protobuf().bytes);
        } else send(200, 'application/json', documents.v2().text);
      } else if (json(url.pathname) !== undefined) {
        send(200, 'application/json', JSON.stringify(json(url.pathname)));
      } else if (request.method === 'GET') {
        const status = { kind: 'Status', apiVersion: 'v1', status: 'Failure', reason: 'NotFound', code: 404 };
        send(404, 'application/json', JSON.stringify({ ...status, message: 'not found' }));
      } else send(201, 'application/json', Buffer.concat(chunks));
    });
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return server;
}

const service = {
  apiVersion: 'v1',
  kind: 'Service',
  metadata: { name: 'api-svc', namespace: 'default' },
  spec: { selector: { app: 'web' }, ports: [{ port: 80, targetPort: 'http' }] },
};

const binaries = kubectls();

for (const kubectl of binaries.length === 0 ? ['kubectl'] : binaries) {
  test(`${kubectl} understands the documents`, { skip: binaries.length === 0 && 'no kubectl on PATH' }, async (t) => {
    const requests: string[] = [];
    const server = await serve(requests);
    const dir = await mkdtemp(join(tmpdir(), 'openapi-kubectl-'));
    t.after(async () => {
      server.closeAllConnections();
      server.close();
      await rm(dir, { recursive: true });
    });
    const { port } = server.address() as AddressInfo;
    const call = async (...args: string[]): Promise<string> => {
      const env = { PATH: process.env['PATH'], HOME: dir, KUBECONFIG: '' };
      const { stdout } = await run(kubectl, ['--server', `http://127.0.0.1:${port}`, ...args], { env });
      return stdout;
    };
    await writeFile(join(dir, 'service.json'), JSON.stringify(service));
    await writeFile(join(dir, 'wrong.json'), JSON.stringify({ ...service, spec: { ...service.spec, selecter: {} } }));

    const explained = await call('explain', 'service.spec');
    assert.match(explained, /KIND:\s+Service\nVERSION:\s+v1/);
    assert.match(explained, /clusterIP\s+<string>/);
    assert.match(explained, /ports\s+<\[\](Object|ServicePort)>/);
    assert.match(explained, /type\s+<string>\s+ClusterIP \(the default\), NodePort/);
    assert.match(await call('explain', 'deployment.spec.template.spec.containers.ports'), /containerPort\s+<integer>/);
    assert.match(await call('explain', 'deployment', '--recursive'), /maxSurge/);

    const applied = await call('apply', '--dry-run=client', '--validate=true', '-f', join(dir, 'service.json'));
    assert.equal(applied, 'service/api-svc created (dry run)\n');

    const server1 = await call('create', '--dry-run=server', '-f', join(dir, 'service.json'));
    assert.equal(server1, 'service/api-svc created (server dry run)\n');
    const post = requests.find((request) => request.startsWith('POST ')) ?? '';
    assert.match(post, /dryRun=All/);

    // New kubectls leave unknown fields to the server when it says that it can; old ones find them by themselves.
    const wrong = await call('create', '--dry-run=server', '-f', join(dir, 'wrong.json')).catch(String);
    if (post.includes('fieldValidation=Strict')) assert.equal(wrong, 'service/api-svc created (server dry run)\n');
    else assert.match(wrong, /unknown field "selecter" in io\.k8s\.api\.core\.v1\.ServiceSpec/);
  });
}
