import type { Ask } from '../../src/apiserver/services/rules/rule-case.ts';
import type { Pod } from '../../src/api/generated/types.ts';
import { rfc3339 } from '../../src/base/clock.ts';

const NODES = ['n1', 'n2'];

/**
 * Plays scheduler and nodes. The annotation `play` of a Pod says what it does there: `run` (which is what it does without
 * one), `unready`, `wait`, `succeed`, or `fail` with a code. With `linger` it does not go when it is told to.
 */
export class PodPlayer {
  readonly #ask: Ask;
  readonly #path: string;
  readonly #now: () => number;
  #bound = 0;

  constructor(ask: Ask, namespace: string, now: () => number) {
    this.#ask = ask;
    this.#path = `/api/v1/namespaces/${namespace}/pods`;
    this.#now = now;
  }

  async #pods(): Promise<readonly Pod[]> {
    const { body } = await this.#ask({ method: 'GET', path: this.#path });
    return (body as { readonly items: readonly Pod[] }).items;
  }

  /** Those that have ended come last. */
  async namesOf(prefix: string): Promise<readonly string[]> {
    const rank = ({ metadata, status }: Pod): string =>
      `${status?.phase === 'Succeeded' || status?.phase === 'Failed' ? 1 : 0} ${metadata.name}`;
    const found = (await this.#pods()).filter(({ metadata }) => metadata.name.startsWith(prefix));
    return found.sort((a, b) => (rank(a) < rank(b) ? -1 : 1)).map(({ metadata }) => metadata.name);
  }

  /** Whether there was something to do. */
  async play(): Promise<boolean> {
    let acted = false;
    const pods = await this.#pods();
    const byBirth = (pod: Pod): string => `${pod.metadata.creationTimestamp} ${pod.metadata.name}`;
    for (const pod of [...pods].sort((a, b) => (byBirth(a) < byBirth(b) ? -1 : 1))) {
      acted = (await this.#step(pod)) || acted;
    }
    return acted;
  }

  async #step(pod: Pod): Promise<boolean> {
    const { name, annotations = {}, deletionTimestamp } = pod.metadata;
    if (deletionTimestamp !== undefined) {
      if (annotations['linger'] !== undefined || pod.metadata.deletionGracePeriodSeconds === 0) return false;
      await this.end(name);
      return true;
    }
    if ((pod.spec.nodeName ?? '') === '') return this.#bind(pod);
    if (pod.status?.startTime !== undefined) return false;
    const status = this.#begin(annotations['play'] ?? 'run');
    const { conditions, ...others } = status;
    await this.#patchStatus(name, { ...others, conditions: [...scheduled(pod), ...conditions] });
    return true;
  }

  async #bind(pod: Pod): Promise<boolean> {
    const { name } = pod.metadata;
    const target = { apiVersion: 'v1', kind: 'Node', name: wantedNode(pod) ?? NODES[this.#bound++ % NODES.length] };
    await this.#ask({ method: 'POST', path: `${this.#path}/${name}/binding`, body: { metadata: { name }, target } });
    return true;
  }

  #begin(play: string): { readonly phase: string; readonly conditions: readonly object[] } {
    const time = rfc3339(this.#now());
    const [what = 'run', code = '1'] = play.split(' ');
    const ended = what === 'succeed' || what === 'fail';
    const ready = what === 'run' ? 'True' : 'False';
    const exitCode = what === 'fail' ? Number(code) : 0;
    const state = ended
      ? { terminated: { exitCode, startedAt: time, finishedAt: time } }
      : { running: { startedAt: time } };
    const container = { name: 'c', image: 'i', imageID: '', ready: what === 'run', restartCount: 0, state };
    const status = {
      startTime: time,
      conditions: [{ type: 'Ready', status: ready, lastTransitionTime: time }],
      ...(what === 'wait' ? {} : { containerStatuses: [container] }),
    };
    const phase =
      what === 'wait' ? 'Pending' : what === 'succeed' ? 'Succeeded' : what === 'fail' ? 'Failed' : 'Running';
    return { phase, ...status };
  }

  /** As a kubelet: the status of its end first, then it is gone. */
  async end(name: string): Promise<void> {
    const finishedAt = rfc3339(this.#now());
    const { body } = await this.#ask({ method: 'GET', path: `${this.#path}/${name}` });
    const { phase } = (body as Pod).status ?? {};
    if (phase !== 'Succeeded' && phase !== 'Failed') {
      const state = { terminated: { exitCode: 137, startedAt: finishedAt, finishedAt } };
      const container = { name: 'c', image: 'i', imageID: '', ready: false, restartCount: 0, state };
      await this.#patchStatus(name, { phase: 'Failed', containerStatuses: [container] });
    }
    const options = { gracePeriodSeconds: 0 };
    await this.#ask({ method: 'DELETE', path: `${this.#path}/${name}`, body: options });
  }

  async #patchStatus(name: string, status: object): Promise<void> {
    const contentType = 'application/merge-patch+json';
    await this.#ask({ method: 'PATCH', path: `${this.#path}/${name}/status`, body: { status }, contentType });
  }
}

function scheduled(pod: Pod): readonly object[] {
  return (pod.status?.conditions ?? []).filter(({ type }) => type !== 'Ready');
}

/** The only node that a Pod of a DaemonSet may go to. */
function wantedNode({ spec }: Pod): string | undefined {
  const terms = spec.affinity?.nodeAffinity?.requiredDuringSchedulingIgnoredDuringExecution?.nodeSelectorTerms ?? [];
  return terms[0]?.matchFields?.[0]?.values?.[0];
}
