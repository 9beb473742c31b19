import type { Act } from './scene.ts';

export interface Template {
  readonly image?: string;
  /** What the Pods do; see `PodPlayer`. */
  readonly play?: string;
  readonly app?: string;
  readonly annotations?: object;
  readonly spec?: object;
}

export function template({ image = 'one', play, app = 'web', annotations = {}, spec = {} }: Template = {}): object {
  return {
    metadata: { labels: { app }, annotations: { ...annotations, ...(play === undefined ? {} : { play }) } },
    spec: { containers: [{ name: 'c', image }], ...spec },
  };
}

export interface Named {
  readonly metadata: { readonly name: string; readonly [member: string]: unknown };
  readonly [member: string]: unknown;
}

/** What selects its Pods: a Deployment, a set. */
export function workload(name: string, spec: object, of: Template = {}): Named {
  const app = of.app ?? name;
  return {
    metadata: { name },
    spec: { selector: { matchLabels: { app } }, template: template({ ...of, app }), ...spec },
  };
}

export function job(name: string, spec: object, of: Template = {}): Named {
  const made = template({ app: name, ...of, spec: { restartPolicy: 'Never', ...of.spec } });
  return { metadata: { name }, spec: { template: made, ...spec } };
}

export const make = (kind: string, object: Named): Act => [
  `make ${kind} ${object.metadata.name}`,
  (stage) => stage.make(kind, object),
];

export const change = (kind: string, name: string, body: object, what: string = JSON.stringify(body)): Act => [
  `change ${kind} ${name}: ${what}`,
  (stage) => stage.change(kind, name, body),
];

/** Another template. */
export const roll = (kind: string, name: string, of: Template): Act => {
  const { metadata, spec } = template({ app: name, ...of }) as { metadata: { annotations: object }; spec: object };
  const annotations = { play: null, ...metadata.annotations };
  const body = { spec: { template: { metadata: { annotations }, spec } } };
  return change(kind, name, body, `template ${JSON.stringify(of)}`);
};

export const scale = (kind: string, name: string, replicas: number): Act => change(kind, name, { spec: { replicas } });

export const remove = (kind: string, name: string, options?: object): Act => [
  `delete ${kind} ${name}${options === undefined ? '' : ` ${JSON.stringify(options)}`}`,
  (stage) => stage.remove(kind, name, options),
];

export const pass = (seconds: number): Act => [`${seconds} s go by`, (stage) => stage.pass(seconds)];

/** Lets Pods end that linger. */
export const end = (prefix: string): Act => [
  `Pods ${prefix} end`,
  async (stage) => {
    for (const name of await stage.podsOf(prefix)) await stage.endPod(name);
  },
];

/** A change of the status of the first Pod whose name begins so. */
export const podStatus = (prefix: string, status: object | ((time: string) => object), what: string): Act => [
  `a Pod ${prefix} ${what}`,
  async (stage) => {
    const [name = ''] = await stage.podsOf(prefix);
    const change = typeof status === 'function' ? status(stage.time) : status;
    await stage.change('Pod', `${name}/status`, { status: change });
  },
];

export const podMeta = (prefix: string, metadata: object): Act => [
  `a Pod ${prefix} has ${JSON.stringify(metadata)}`,
  async (stage) => {
    const [name = ''] = await stage.podsOf(prefix);
    await stage.change('Pod', name, { metadata });
  },
];

export const removePod = (prefix: string): Act => [
  `a Pod ${prefix} is deleted`,
  async (stage) => {
    const [name = ''] = await stage.podsOf(prefix);
    await stage.remove('Pod', name);
  },
];

/** One after the other, with nobody looking in between: what is there then is a matter of who is quick. */
export const together = (...acts: readonly Act[]): Act => [
  acts.map(([name]) => name).join(', then '),
  async (stage) => {
    for (const [, play] of acts) await play(stage);
  },
];
