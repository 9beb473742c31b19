import type { Ask, RuleAnswer } from '../../src/apiserver/services/rules/rule-case.ts';
import { rfc3339 } from '../../src/base/clock.ts';
import type { Named } from './manifests.ts';
import { PodPlayer } from './pod-player.ts';
import { Show, type Shown } from './show.ts';

/** How time goes by where a scene is played. */
export interface Pace {
  /** A moment in which everybody does what there is to do. */
  turn(): Promise<void>;
  pass(ms: number): Promise<void>;
  now(): number;
  /** So many turns in which nothing changes are rest. */
  readonly quietTurns: number;
}

const MOST_TURNS = 1200;
/** In every namespace. */
const ROOT_CA = 'kube-root-ca.crt';
const MERGE = 'application/merge-patch+json';

const PATHS: Readonly<Record<string, string>> = {
  Deployment: 'apis/apps/v1/deployments',
  ReplicaSet: 'apis/apps/v1/replicasets',
  StatefulSet: 'apis/apps/v1/statefulsets',
  DaemonSet: 'apis/apps/v1/daemonsets',
  ControllerRevision: 'apis/apps/v1/controllerrevisions',
  Job: 'apis/batch/v1/jobs',
  CronJob: 'apis/batch/v1/cronjobs',
  PodDisruptionBudget: 'apis/policy/v1/poddisruptionbudgets',
  HorizontalPodAutoscaler: 'apis/autoscaling/v2/horizontalpodautoscalers',
  ReplicationController: 'api/v1/replicationcontrollers',
  ResourceQuota: 'api/v1/resourcequotas',
  PersistentVolumeClaim: 'api/v1/persistentvolumeclaims',
  ConfigMap: 'api/v1/configmaps',
  Pod: 'api/v1/pods',
};
const CLUSTER_PATHS: Readonly<Record<string, string>> = {
  Namespace: '/api/v1/namespaces',
  Node: '/api/v1/nodes',
  PersistentVolume: '/api/v1/persistentvolumes',
  StorageClass: '/apis/storage.k8s.io/v1/storageclasses',
};

/** A namespace on an API server, and hands to change what is in it; the scheduler and the nodes are played. */
export class Stage {
  readonly namespace: string;
  readonly #ask: Ask;
  readonly #pace: Pace;
  readonly #player: PodPlayer;
  readonly #show = new Show();

  constructor(ask: Ask, pace: Pace, namespace: string) {
    this.#ask = ask;
    this.#pace = pace;
    this.namespace = namespace;
    this.#player = new PodPlayer(ask, namespace, () => pace.now());
  }

  path(kind: string, name: string): string {
    return `${this.#collection(kind)}/${name}`;
  }

  #collection(kind: string): string {
    const clusterPath = CLUSTER_PATHS[kind];
    if (clusterPath !== undefined) return clusterPath;
    const path = PATHS[kind];
    if (path === undefined) throw new RangeError(`Cannot find the path of kind "${kind}"`);
    const at = path.lastIndexOf('/');
    return `/${path.slice(0, at)}/namespaces/${this.namespace}/${path.slice(at + 1)}`;
  }

  async open(): Promise<void> {
    await this.ask('POST', '/api/v1/namespaces', { metadata: { name: this.namespace } });
    // Without it no Pod is admitted, and somebody would have to wait for a controller.
    const accounts = `/api/v1/namespaces/${this.namespace}/serviceaccounts`;
    await this.#ask({ method: 'POST', path: accounts, body: { metadata: { name: 'default' } } });
    await this.#pace.pass(1000);
  }

  async ask(method: 'POST' | 'PATCH' | 'DELETE' | 'GET', path: string, body?: unknown): Promise<RuleAnswer> {
    const answer = await this.#ask({
      method,
      path,
      ...(body === undefined ? {} : { body }),
      ...(method === 'PATCH' ? { contentType: MERGE } : {}),
    });
    if (answer.status >= 300) throw new Error(`${method} ${path}: ${answer.status} ${JSON.stringify(answer.body)}`);
    return answer;
  }

  async make(kind: string, object: Named): Promise<void> {
    await this.ask('POST', this.#collection(kind), object);
    if (object['status'] === undefined) return;
    const path = `${this.path(kind, object.metadata.name)}/status`;
    await this.ask('PATCH', path, { status: object['status'] });
  }

  change(kind: string, name: string, body: object): Promise<unknown> {
    return this.ask('PATCH', this.path(kind, name), body);
  }

  get now(): number {
    return this.#pace.now();
  }

  /** As the API writes times. */
  get time(): string {
    return rfc3339(this.#pace.now());
  }

  remove(kind: string, name: string, options?: object): Promise<unknown> {
    return this.ask('DELETE', this.path(kind, name), options);
  }

  async pass(seconds: number): Promise<void> {
    for (let left = seconds; left > 0; left -= 1) {
      await this.#pace.pass(Math.min(left, 1) * 1000);
      await this.#player.play();
    }
  }

  /** Pods whose name begins so, in the order of their names. */
  podsOf(prefix: string): Promise<readonly string[]> {
    return this.#player.namesOf(prefix);
  }

  async podOn(node: string): Promise<string> {
    const pods = await this.#list('Pod');
    return pods.find(({ spec }) => spec?.['nodeName'] === node)?.metadata.name ?? '';
  }

  /** Ends a Pod that lingers. */
  endPod(name: string): Promise<void> {
    return this.#player.end(name);
  }

  /** Plays on until nothing changes any more. */
  async rest(): Promise<void> {
    let quiet = 0;
    let before = '';
    for (let turn = 0; turn < MOST_TURNS; turn++) {
      await this.#pace.turn();
      const acted = await this.#player.play();
      const now = JSON.stringify(await this.#versions());
      quiet = acted || now !== before ? 0 : quiet + 1;
      before = now;
      if (quiet >= this.#pace.quietTurns) return;
    }
    throw new Error(`Cannot show "${this.namespace}": it does not come to rest`);
  }

  async #list(kind: string): Promise<readonly Shown[]> {
    const { body } = await this.ask('GET', this.#collection(kind));
    return (body as { readonly items: readonly Shown[] }).items;
  }

  async #versions(): Promise<unknown> {
    const lists = await Promise.all(Object.keys(PATHS).map((kind) => this.#list(kind)));
    return lists.flat().map(({ metadata }) => [metadata.uid, metadata.resourceVersion]);
  }

  /** What is there now. Nodes are those that are named after the scene. */
  async look(): Promise<readonly string[]> {
    const found = new Map<string, readonly Shown[]>();
    for (const kind of Object.keys(PATHS)) found.set(kind, await this.#list(kind));
    const own = (list: readonly Shown[]): readonly Shown[] =>
      list.filter(({ metadata }) => metadata.name.startsWith(this.namespace));
    for (const kind of ['Namespace', 'Node', 'PersistentVolume']) found.set(kind, own(await this.#list(kind)));
    found.set(
      'ConfigMap',
      (found.get('ConfigMap') ?? []).filter(({ metadata }) => metadata.name !== ROOT_CA),
    );
    return this.#show.lines(found, this.namespace);
  }

  async events(): Promise<readonly string[]> {
    const { body } = await this.ask('GET', `/api/v1/namespaces/${this.namespace}/events`);
    const cluster = await this.ask('GET', `/api/v1/namespaces/default/events`);
    const all = [body, cluster.body].flatMap((list) => (list as { readonly items: readonly Shown[] }).items);
    return this.#show.events(all, this.namespace);
  }
}
