import type { AnswerRequest, AskServer } from '../answers/answer-case.ts';
import type { Reply, WebhookServer } from './webhook-server.ts';

const MAPS = '/api/v1/namespaces/default/configmaps';
const CONFIGURATIONS = '/apis/admissionregistration.k8s.io/v1';
const RULE = { operations: ['*'], apiGroups: [''], apiVersions: ['v1'], resources: ['configmaps', 'configmaps/*'] };

/** A webhook that answers, and a request that it is asked about. */
export interface WebhookScene {
  readonly name: string;
  readonly kind: 'validating' | 'mutating';
  readonly webhooks: readonly { readonly fields?: object; readonly reply: Reply }[];
  /** Before the webhooks are there. */
  readonly given?: readonly AnswerRequest[];
  readonly ask: AnswerRequest;
}

const map = (fields: object = {}): object => ({
  apiVersion: 'v1',
  kind: 'ConfigMap',
  metadata: { name: 'm', labels: { hook: 'yes' } },
  ...fields,
});
const CREATE: AnswerRequest = { method: 'POST', path: MAPS, body: map() };
const DELETE: AnswerRequest = { method: 'DELETE', path: `${MAPS}/m` };
const patchOf = (...operations: readonly object[]): object => ({
  allowed: true,
  patchType: 'JSONPatch',
  patch: Buffer.from(JSON.stringify(operations)).toString('base64'),
});
const setData =
  (key: string, value: string): Reply =>
  ({ request: { object } }) => {
    const has = object !== null && 'data' in object;
    return has
      ? patchOf({ op: 'add', path: `/data/${key}`, value })
      : patchOf({ op: 'add', path: '/data', value: { [key]: value } });
  };
const denies =
  (status?: object): Reply =>
  () => ({ allowed: false, ...(status === undefined ? {} : { status }) });
const raw =
  (code: number, body: string): Reply =>
  (_, response) => {
    response.writeHead(code, { 'content-type': 'application/json' });
    response.end(body);
    return undefined;
  };

const one = (
  name: string,
  reply: Reply,
  more: Partial<WebhookScene> & { readonly fields?: object } = {},
): WebhookScene => {
  const { fields, ...rest } = more;
  return {
    name,
    kind: 'validating',
    webhooks: [{ reply, ...(fields === undefined ? {} : { fields }) }],
    ask: CREATE,
    ...rest,
  };
};

export const webhookScenes: readonly WebhookScene[] = [
  one('denied with reasons', denies({ code: 403, message: 'not today', reason: 'Forbidden' })),
  one('denied with a message', denies({ message: 'not today' })),
  one('denied with a reason', denies({ reason: 'Never' })),
  one('denied without explanation', denies()),
  one('denied with a code of success', denies({ code: 200, status: 'Success', message: 'x' })),
  one('allowed, with warnings', () => ({ allowed: true, warnings: ['look out', 'and again'] })),
  one('denied, with a warning', () => ({ allowed: false, warnings: ['look out'], status: { message: 'no' } })),
  one('a dry run', denies({ message: 'no' }), { ask: { ...CREATE, path: `${MAPS}?dryRun=All&fieldManager=me` } }),
  one('a validating one with a patch', setData('a', 'b')),
  one('no response', raw(200, '{"apiVersion":"admission.k8s.io/v1","kind":"AdmissionReview"}')),
  one('of another request', () => ({ allowed: true, uid: 'other' })),
  one('no review', raw(200, '{"response":{"uid":""}}')),
  one('status 404', raw(404, 'no such page')),
  one('status 500', raw(500, 'broken')),
  one('nobody has signed it', denies(), { fields: { caBundle: undefined } }),
  one('never answered', () => undefined, { fields: { timeoutSeconds: 1 } }),
  one('never answered, which does not matter', () => undefined, {
    fields: { timeoutSeconds: 1, failurePolicy: 'Ignore' },
  }),
  one('DELETE', ({ request }) => ({ allowed: request.operation !== 'DELETE', status: { message: 'stays' } }), {
    given: [CREATE],
    ask: DELETE,
  }),
  one('PATCH', ({ request }) => ({ allowed: request.operation !== 'UPDATE', status: { message: 'as it is' } }), {
    given: [CREATE],
    ask: {
      method: 'PATCH',
      path: `${MAPS}/m`,
      body: { data: { a: 'b' } },
      contentType: 'application/merge-patch+json',
    },
  }),
  one('patched', setData('a', 'b'), { kind: 'mutating' }),
  one('patched at an update', setData('a', 'b'), {
    kind: 'mutating',
    given: [CREATE],
    ask: { method: 'PUT', path: `${MAPS}/m`, body: map({ data: { x: 'y' } }) },
  }),
  one('a patch of what is deleted', () => patchOf({ op: 'add', path: '/data', value: {} }), {
    kind: 'mutating',
    given: [CREATE],
    ask: DELETE,
  }),
  one('patched to what is not valid', setData('a b', 'c'), { kind: 'mutating' }),
  one('patched to what it must not be', () => patchOf({ op: 'replace', path: '/data', value: 7 }), {
    kind: 'mutating',
  }),
  one(
    'a patch without its type',
    () => ({ ...patchOf({ op: 'add', path: '/data', value: {} }), patchType: undefined }),
    {
      kind: 'mutating',
    },
  ),
  {
    name: 'two, of which the first is asked again',
    kind: 'mutating',
    webhooks: [
      { reply: setData('first', 'one'), fields: { reinvocationPolicy: 'IfNeeded' } },
      { reply: setData('second', 'two'), fields: { reinvocationPolicy: 'IfNeeded' } },
    ],
    ask: CREATE,
  },
  {
    name: 'two, of which neither is asked again',
    kind: 'mutating',
    webhooks: [{ reply: setData('first', 'one') }, { reply: setData('second', 'two') }],
    ask: CREATE,
  },
];

export interface SceneOptions {
  readonly ask: AskServer;
  readonly server: WebhookServer;
  /** Until a new configuration counts. */
  readonly heard: () => Promise<void>;
}

/** Plays a scene on a server and takes away what it made: the answer, its warnings, and who was asked what. */
export async function playScene(scene: WebhookScene, { ask, server, heard }: SceneOptions): Promise<readonly string[]> {
  const path = `${CONFIGURATIONS}/${scene.kind}webhookconfigurations`;
  server.asked.length = 0;
  for (const request of scene.given ?? []) await ask(request);
  const webhooks = scene.webhooks.map(({ reply, fields = {} }, i) => {
    server.on(`/${i}`, reply);
    const { caBundle = server.caBundle, ...rest } = fields as { readonly caBundle?: string };
    const trusted = 'caBundle' in fields ? {} : { caBundle };
    return {
      name: `w${i}.hook.test`,
      clientConfig: { url: `https://127.0.0.1:${server.port}/${i}`, ...trusted },
      rules: [RULE],
      objectSelector: { matchLabels: { hook: 'yes' } },
      sideEffects: 'None',
      admissionReviewVersions: ['v1'],
      ...rest,
    };
  });
  await ask({ method: 'POST', path, body: { metadata: { name: 'hooks' }, webhooks } });
  await heard();
  try {
    const answer = await ask(scene.ask);
    const reviews = server.asked.map(({ path: asked, review }) => `${asked} ${reviewText(review)}`);
    return [plain(server, answerLine(answer.status, answer.body)), ...answer.warnings, ...reviews];
  } finally {
    await ask({ method: 'DELETE', path: `${path}/hooks` });
    await heard();
    await ask(DELETE);
  }
}

function answerLine(status: number, body: unknown): string {
  const { message, reason, data } = body as {
    readonly message?: string;
    readonly reason?: string;
    readonly data?: object;
  };
  return `${status} ${message === undefined ? JSON.stringify(sorted(data ?? {})) : `${reason ?? '-'}: ${message}`}`;
}

function plain({ port }: WebhookServer, text: string): string {
  return text.replaceAll(String(port), 'PORT').replaceAll(/[0-9a-f]{8}-[0-9a-f-]{27}/g, 'UID');
}

/** What is the same at each run. */
function reviewText({
  apiVersion,
  kind,
  request,
}: {
  readonly apiVersion: string;
  readonly kind: string;
  readonly request: object;
}): string {
  const { uid: _, userInfo: __, object, oldObject, ...rest } = request as Readonly<Record<string, unknown>>;
  return JSON.stringify(
    sorted({ apiVersion, kind, request: { ...rest, object: bare(object), oldObject: bare(oldObject) } }),
  );
}

function bare(object: unknown): unknown {
  if (object === null || object === undefined) return object;
  const { metadata, ...rest } = object as { readonly metadata: Readonly<Record<string, unknown>> };
  return { ...rest, metadata: Object.keys(metadata).sort().join(' ') };
}

function sorted(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(sorted);
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(
    Object.entries(value)
      .toSorted(([a], [b]) => (a < b ? -1 : 1))
      .map(([key, part]) => [key, sorted(part)]),
  );
}
