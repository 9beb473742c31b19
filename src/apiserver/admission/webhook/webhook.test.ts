import assert from 'node:assert/strict';
import { connect } from 'node:net';
import test from 'node:test';
import { systemClock } from '#base/clock.ts';
import type { Answer, AnswerRequest } from '../../answers/answer-case.ts';
import { TestServer } from '../../testing/test-server.ts';
import { playScene, webhookScenes } from '../../testing/webhook-scenes.ts';
import { type Reply, WebhookServer } from '../../testing/webhook-server.ts';
import expected from './testdata/scenes.json' with { type: 'json' };

/** What real kube-apiserver answered, and what it asked: bench/peers/webhook-answers.ts. */
const EXPECTED = expected as Readonly<Record<string, readonly string[]>>;

async function ask(server: TestServer, request: AnswerRequest): Promise<Answer> {
  const answer = await server.send({ ...request, userAgent: 'peer/1' });
  assert.equal(answer.kind, 'object');
  if (answer.kind !== 'object') assert.fail();
  return { status: answer.status, body: answer.body, warnings: answer.warnings ?? [] };
}

test('webhooks are asked, and what they say is answered, as by kube-apiserver', async (t) => {
  await using server = await WebhookServer.start();
  await using api = await TestServer.start({ clock: systemClock });
  for (const scene of webhookScenes) {
    await t.test(scene.name, async () => {
      const said = await playScene(scene, { ask: (request) => ask(api, request), server, heard: async () => {} });
      assert.deepEqual(said, EXPECTED[scene.name]);
    });
  }
});

/** An API server and a webhook that it reaches as the Service default/s, at one endpoint. */
class ServiceScene implements AsyncDisposable {
  readonly api: TestServer;
  readonly server: WebhookServer;
  readonly dialed: string[] = [];

  private constructor(server: WebhookServer) {
    this.server = server;
    this.api = TestServer.bare({
      clock: systemClock,
      dialPod: async (address, port) => {
        this.dialed.push(`${address}:${port}`);
        return connect(server.port, '127.0.0.1');
      },
    });
  }

  static async start(reply: Reply, rule: object, fields: object = {}): Promise<ServiceScene> {
    const server = await WebhookServer.start();
    server.on('/check', reply);
    const scene = new ServiceScene(server);
    await scene.api.server.ready;
    for (const name of ['default', 'other']) await scene.create('/api/v1/namespaces', { metadata: { name } });
    await scene.create('/api/v1/namespaces/default/services', {
      metadata: { name: 's' },
      spec: { ports: [{ port: 443 }] },
    });
    await scene.create('/apis/discovery.k8s.io/v1/namespaces/default/endpointslices', {
      metadata: { name: 's', labels: { 'kubernetes.io/service-name': 's' } },
      addressType: 'IPv4',
      endpoints: [{ addresses: ['10.1.2.3'] }],
      ports: [{ name: '', port: 8443 }],
    });
    await scene.create('/apis/admissionregistration.k8s.io/v1/validatingwebhookconfigurations', {
      metadata: { name: 'hooks' },
      webhooks: [
        {
          name: 'check.hook.test',
          clientConfig: {
            service: { name: 's', namespace: 'default', path: '/check' },
            caBundle: server.caBundle,
          },
          rules: [{ operations: ['*'], apiGroups: ['*'], apiVersions: ['*'], ...rule }],
          sideEffects: 'None',
          admissionReviewVersions: ['v1'],
          ...fields,
        },
      ],
    });
    return scene;
  }

  async create(path: string, body: object): Promise<Answer> {
    return ask(this.api, { method: 'POST', path, body });
  }

  /** Operation, resource and name of what it was asked about. */
  get asked(): readonly string[] {
    return this.server.asked.map(({ review: { request } }) => {
      const {
        resource,
        subResource,
        namespace = '-',
        name = '',
        operation,
      } = request as unknown as {
        readonly resource: { readonly resource: string };
        readonly subResource?: string;
        readonly namespace?: string;
        readonly name?: string;
        readonly operation: string;
      };
      const sub = subResource === undefined ? '' : `/${subResource}`;
      return `${operation} ${resource.resource}${sub} ${namespace}/${name}`;
    });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.api[Symbol.asyncDispose]();
    await this.server[Symbol.asyncDispose]();
  }
}

const POD = {
  spec: { containers: [{ name: 'c', image: 'i' }], serviceAccountName: 'none', automountServiceAccountToken: false },
};

test('a Service is reached by its endpoint, under its own name', async () => {
  await using scene = await ServiceScene.start(() => ({ allowed: false }), { resources: ['configmaps'] });
  const { body } = await scene.create('/api/v1/namespaces/default/configmaps', { metadata: { name: 'm' } });
  assert.equal(
    (body as { message: string }).message,
    'admission webhook "check.hook.test" denied the request without explanation',
  );
  assert.deepEqual(scene.dialed, ['10.1.2.3:8443']);
});

test('subresources, generated names and other namespaces', async () => {
  await using scene = await ServiceScene.start(
    () => ({ allowed: true }),
    { resources: ['pods', 'pods/status', 'pods/binding', 'pods/eviction'] },
    {
      namespaceSelector: {
        matchExpressions: [{ key: 'kubernetes.io/metadata.name', operator: 'NotIn', values: ['other'] }],
      },
    },
  );
  for (const namespace of ['default', 'other']) {
    const pods = `/api/v1/namespaces/${namespace}/pods`;
    await scene.create(`/api/v1/namespaces/${namespace}/serviceaccounts`, { metadata: { name: 'none' } });
    assert.equal((await scene.create(pods, { metadata: { name: 'p' }, ...POD })).status, 201);
    await scene.create(`${pods}/p/binding`, { metadata: { name: 'p' }, target: { kind: 'Node', name: 'n' } });
    const status = { method: 'PATCH', contentType: 'application/merge-patch+json' } as const;
    await ask(scene.api, { ...status, path: `${pods}/p/status`, body: { status: { phase: 'Running' } } });
    await scene.create(`${pods}/p/eviction`, { metadata: { name: 'p' } });
    await ask(scene.api, { method: 'DELETE', path: `${pods}/p` });
  }
  assert.deepEqual(scene.asked, [
    'CREATE pods default/p',
    'CREATE pods/binding default/p',
    'UPDATE pods/status default/p',
    'CREATE pods/eviction default/p',
    'DELETE pods default/p',
  ]);
});

test('the other version of a kind is asked about where rules name only that', async () => {
  for (const [matchPolicy, asked] of [
    ['Equivalent', ['CREATE horizontalpodautoscalers default/h']],
    ['Exact', []],
  ] as const) {
    await using scene = await ServiceScene.start(
      () => ({ allowed: true }),
      { apiGroups: ['autoscaling'], apiVersions: ['v1'], resources: ['horizontalpodautoscalers'] },
      { matchPolicy },
    );
    const scaleTargetRef = { apiVersion: 'apps/v1', kind: 'Deployment', name: 'd' };
    const resource = { name: 'cpu', target: { type: 'Utilization', averageUtilization: 70 } };
    await scene.create('/apis/autoscaling/v2/namespaces/default/horizontalpodautoscalers', {
      metadata: { name: 'h' },
      spec: { scaleTargetRef, maxReplicas: 2, metrics: [{ type: 'Resource', resource }] },
    });
    assert.deepEqual(scene.asked, asked);
    const [first] = scene.server.asked;
    if (first === undefined) continue;
    const { object, requestKind } = first.review.request as unknown as {
      object: { apiVersion: string; spec: object };
      requestKind: object;
    };
    assert.deepEqual(
      [object.apiVersion, object.spec, requestKind],
      [
        'autoscaling/v1',
        { scaleTargetRef, maxReplicas: 2, minReplicas: 1, targetCPUUtilizationPercentage: 70 },
        { group: 'autoscaling', version: 'v2', kind: 'HorizontalPodAutoscaler' },
      ],
    );
  }
});

test('configurations themselves are changed without asking: nobody can be locked out', async () => {
  await using scene = await ServiceScene.start(() => ({ allowed: false }), { resources: ['*'] });
  const path = '/apis/admissionregistration.k8s.io/v1/validatingwebhookconfigurations/hooks';
  assert.equal((await ask(scene.api, { method: 'DELETE', path })).status, 200);
  assert.deepEqual(scene.asked, []);
});
