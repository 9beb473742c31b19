export interface RuleRequest {
  readonly method: 'POST' | 'PUT' | 'PATCH' | 'DELETE' | 'GET';
  readonly path: string;
  readonly body?: unknown;
  readonly contentType?: string;
}

export interface RuleAnswer {
  readonly status: number;
  readonly body: unknown;
  readonly warnings: readonly string[];
}

/** One request to an API server: ours or another. */
export type Ask = (request: RuleRequest) => Promise<RuleAnswer>;

/** Which ranges the server was started with. */
export type RuleCluster = 'ipv4' | 'ipv6' | 'dual';

export const RULE_RANGES: Readonly<Record<RuleCluster, readonly string[]>> = {
  ipv4: ['10.96.0.0/16'],
  ipv6: ['fd00:10:96::/112'],
  dual: ['10.96.0.0/16', 'fd00:10:96::/112'],
};

/**
 * One rule of the API about Services: what is there before, and the request that is judged. What a server has to answer
 * is in `expected.json`, as kube-apiserver said it.
 */
export interface RuleCase {
  readonly name: string;
  /** @default 'ipv4' */
  readonly cluster?: RuleCluster;
  readonly given?: readonly RuleRequest[];
  readonly ask: RuleRequest;
  /** Where we answer something else on purpose. */
  readonly differs?: { readonly answer: string; readonly reason: string };
}

interface Named {
  readonly metadata?: { readonly name?: string };
}

/** Runs a case on a server and takes away what it made; the answer as one text. */
export async function runRule(rule: RuleCase, ask: Ask): Promise<string> {
  const steps = [...(rule.given ?? []), rule.ask];
  const made: string[] = [];
  try {
    let text = '';
    for (const step of steps) {
      const answer = await ask(step);
      if (step.method === 'POST' && answer.status < 300) made.push(madePath(step, answer));
      if (step.method !== 'POST' && answer.status === 201) made.push(step.path.split('?')[0] ?? '');
      text = answerText(answer, JSON.stringify(steps));
      if (answer.status >= 300) return step === rule.ask ? text : `given: ${text}`;
    }
    return text;
  } finally {
    for (const path of made.reverse()) await ask({ method: 'DELETE', path });
  }
}

function madePath({ path }: RuleRequest, { body }: RuleAnswer): string {
  return `${path.split('?')[0] ?? ''}/${(body as Named).metadata?.name ?? ''}`;
}

interface Answered {
  readonly reason?: string;
  readonly message?: string;
  readonly metadata?: { readonly labels?: unknown; readonly annotations?: unknown; readonly generation?: number };
}

/** A refusal as its text, an object as what a client put in or gets out of it; `known` is what the case itself names. */
function answerText({ status, body, warnings }: RuleAnswer, known: string): string {
  const lines = warnings.map((text) => `warning: ${text}\n`).join('');
  if (status >= 300) {
    const { reason = '', message = '' } = body as Answered;
    return `${lines}${status} ${reason}: ${plain(message, known)}`;
  }
  const { metadata, ...rest } = body as Answered & Record<string, unknown>;
  const shown = { generation: metadata?.generation, ...rest, apiVersion: undefined, kind: undefined };
  return `${lines}${status} ${plain(JSON.stringify(sorted(shown)), known)}`;
}

/** Addresses and node ports that the server chose become `ip4-1`, `port-1`, the same one the same name. */
function plain(text: string, known: string): string {
  const names = new Map<string, string>();
  const named = (found: string, kind: string): string => {
    if (known.includes(found)) return found;
    const name =
      names.get(found) ?? `${kind}-${[...names.values()].filter((other) => other.startsWith(kind)).length + 1}`;
    names.set(found, name);
    return name;
  };
  return text
    .replaceAll(/\b10\.96\.\d+\.\d+\b/g, (found) => named(found, 'ip4'))
    .replaceAll(/\bfd00:10:96::[0-9a-f]+\b/g, (found) => named(found, 'ip6'))
    .replaceAll(/\b3[012]\d{3}\b/g, (found) => named(found, 'port'))
    .replaceAll(/\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ/g, 'time');
}

/** Members in order; without those that are null or empty lists, of which no client can tell one from the other. */
function sorted(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(sorted);
  if (typeof value !== 'object' || value === null) return value;
  const entries = Object.entries(value)
    .filter(([, item]) => item !== null && !(Array.isArray(item) && item.length === 0))
    .toSorted(([a], [b]) => (a < b ? -1 : 1));
  return Object.fromEntries(entries.map(([key, item]) => [key, sorted(item)]));
}
