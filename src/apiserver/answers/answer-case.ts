/** One request, to our API server or another. */
export interface AnswerRequest {
  readonly method: 'POST' | 'PUT' | 'PATCH' | 'DELETE' | 'GET';
  readonly path: string;
  /** Sent as JSON, a string as it is. */
  readonly body?: unknown;
  readonly contentType?: string;
  readonly accept?: string;
}

export interface Answer {
  readonly status: number;
  readonly body: unknown;
  readonly warnings: readonly string[];
}

export type AskServer = (request: AnswerRequest) => Promise<Answer>;

/**
 * What is there before, and the request that is judged. What a server has to answer is in `expected.json`, as kube-apiserver
 * said it.
 */
export interface AnswerCase {
  readonly name: string;
  readonly given?: readonly AnswerRequest[];
  readonly ask: AnswerRequest;
  /** Whose fields they are is shown too. */
  readonly managed?: boolean;
  /** Where we answer something else on purpose. */
  readonly differs?: { readonly answer: string; readonly reason: string };
}

interface Named {
  readonly kind?: string;
  readonly metadata?: { readonly name?: string };
}

/** A kind of a new definition is not served at once everywhere. */
const ATTEMPTS = 100;
const PAUSE_MS = 100;
const SETTLE_MS = 2_000;
const HEARD_MS = 300;
/** Policies are looked at anew every second. */
const IN_FORCE_MS = 1_600;
const CRDS = '/apis/apiextensions.k8s.io/v1/customresourcedefinitions';

export interface AnswerOptions {
  readonly ask: AskServer;
  readonly sleep: (ms: number) => Promise<void>;
}

/** Runs a case on a server and takes away what it made; the answer as one text. */
export async function runAnswer(one: AnswerCase, { ask, sleep }: AnswerOptions): Promise<string> {
  const made: string[] = [];
  const send = async (request: AnswerRequest): Promise<Answer> => {
    for (let attempt = 1; ; attempt++) {
      const answer = await ask(request);
      if (!isNotServedYet(answer) || attempt === ATTEMPTS || !hasDefinition(one)) return answer;
      await sleep(PAUSE_MS);
    }
  };
  try {
    for (const step of one.given ?? []) {
      const answer = await send(step);
      note(made, step, answer);
      // A definition that changes goes on with its old rules for a moment.
      if (step.method === 'PATCH' && step.path.startsWith(CRDS)) await sleep(SETTLE_MS);
      // Admission goes by what it has been told.
      if (/\/(resourcequotas|limitranges|\w+webhookconfigurations)/.test(step.path)) await sleep(HEARD_MS);
      if (/\/validatingadmissionpolic/.test(step.path)) await sleep(IN_FORCE_MS);
      if (answer.status >= 300) return `given: ${answerText(answer, false)}`;
    }
    const answer = await send(one.ask);
    note(made, one.ask, answer);
    return answerText(answer, one.managed === true);
  } finally {
    for (const path of made.reverse()) await takeAway(path, { ask, sleep });
  }
}

function hasDefinition({ given = [] }: AnswerCase): boolean {
  return given.some(({ path }) => path.startsWith(CRDS));
}

function isNotServedYet({ status, body }: Answer): boolean {
  return (
    status === 404 &&
    (typeof body === 'string' ||
      (body as { message?: string }).message?.startsWith('the server could not find') === true)
  );
}

function note(made: string[], { method, path }: AnswerRequest, { status, body }: Answer): void {
  const [plain = ''] = path.split('?');
  const isReal = !path.includes('dryRun') && !/\/(binding|eviction|token|scale|status)$/.test(plain);
  if (!isReal || status >= 300) return;
  if (method === 'POST') made.push(`${plain}/${(body as Named).metadata?.name ?? ''}`);
  else if (status === 201) made.push(plain);
}

async function takeAway(path: string, { ask, sleep }: AnswerOptions): Promise<void> {
  await ask({ method: 'DELETE', path, body: { gracePeriodSeconds: 0, propagationPolicy: 'Background' } });
  for (let attempt = 0; attempt < ATTEMPTS; attempt++) {
    const { status } = await ask({ method: 'GET', path });
    if (status === 404) return;
    // What a case left a finalizer on.
    const body = { metadata: { finalizers: null } };
    if (!path.startsWith(CRDS)) {
      await ask({ method: 'PATCH', path, body, contentType: 'application/merge-patch+json' });
    }
    await sleep(PAUSE_MS);
  }
}

interface Refusal {
  readonly reason?: string;
  readonly message?: string;
  readonly details?: { readonly causes?: readonly { readonly reason?: string; readonly field?: string }[] };
}

/** Items of lists say here what they are, and there do not. */
function withoutTypes(body: unknown): unknown {
  const { items } = body as { readonly items?: unknown };
  if (!Array.isArray(items)) return body;
  return { ...(body as object), items: items.map((item: object) => ({ ...item, apiVersion: null, kind: null })) };
}

function answerText({ status, body, warnings }: Answer, managed: boolean): string {
  const lines = warnings.map((text) => `warning: ${text}\n`).join('');
  if (typeof body === 'string') return `${lines}${status} ${body}`;
  if (status >= 300) return `${lines}${status} ${refusalText(body as Refusal)}`;
  return `${lines}${status} ${plain(JSON.stringify(sorted(withoutTypes(body), managed)))}`;
}

function refusalText({ reason = '', message = '', details }: Refusal): string {
  const causes = (details?.causes ?? []).map(({ reason: why = '', field = '' }) => `${why}(${field})`);
  return plain(`${reason}: ${message}${causes.length === 0 ? '' : ` [${causes.join(' ')}]`}`);
}

const UID = /[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}/g;

function plain(text: string): string {
  return (
    text
      .replaceAll(UID, 'uid')
      .replaceAll(/\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z/g, 'time')
      .replaceAll(/(?<="resourceVersion\\?":\\?")\d+/g, 'N')
      .replaceAll(/(?<=")(\d+m)?\d+s(?=")/g, 'age')
      .replaceAll(/(?<=in record \()\d+/g, 'N')
      .replaceAll(/(?<=current: )\d+/g, 'N')
      .replaceAll(/(?<="A_)[a-z0-9]{5}/g, 'xxxxx')
      .replaceAll(/(?<=kube-api-access-)[a-z0-9]{5}/g, 'xxxxx')
      // The user who asks has one there.
      .replaceAll('"uid":"admin",', '')
      .replaceAll(/selfType\d+(\.[\w@]+)*/g, 'object')
  );
}

/** Descriptions are in the words of each server. */
function isLeftOut(key: string, object: object, managed: boolean): boolean {
  if (key === 'managedFields') return !managed;
  return key === 'description' && 'priority' in object;
}

/** Members in order; without those that are null or empty lists, of which no client can tell one from the other. */
function sorted(value: unknown, managed: boolean): unknown {
  if (Array.isArray(value)) return value.map((item) => sorted(item, managed));
  if (typeof value !== 'object' || value === null) return value;
  const entries = Object.entries(value)
    .filter(
      ([key, item]) => item !== null && !(Array.isArray(item) && item.length === 0) && !isLeftOut(key, value, managed),
    )
    .toSorted(([a], [b]) => (a < b ? -1 : 1));
  return Object.fromEntries(entries.map(([key, item]) => [key, sorted(item, managed)]));
}
