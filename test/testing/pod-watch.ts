import type { ChildProcessWithoutNullStreams } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import type { Workspace } from './workspace.ts';

export interface SeenPod {
  readonly name: string;
  /** What the tests set apart by: the variable `V` of the first container. */
  readonly version: string;
  readonly ready: boolean;
  readonly ending: boolean;
  /** Nothing of it runs any more. */
  readonly finished: boolean;
}

const PATH =
  '{.type} {.object.metadata.name} {.object.spec.containers[0].env[?(@.name=="V")].value}' +
  ' {.object.status.conditions[?(@.type=="Ready")].status} {.object.status.phase} {.object.metadata.deletionTimestamp}{"\\n"}';

/** What `kubectl get pods --watch` shows, from one state to the next. */
export class PodWatch implements AsyncDisposable {
  /** All Pods that there were, each time after something changed. */
  readonly states: (readonly SeenPod[])[] = [];
  readonly #child: ChildProcessWithoutNullStreams;

  constructor(workspace: Workspace, selector: string) {
    const args = ['get', 'pods', '-l', selector, '--watch', '--output-watch-events', '-o', `jsonpath=${PATH}`];
    this.#child = workspace.start(...args);
    const pods = new Map<string, SeenPod>();
    createInterface(this.#child.stdout).on('line', (line) => {
      const [type, name = '', version = '', ready, phase = '', ending = ''] = line.split(' ');
      const finished = phase === 'Succeeded' || phase === 'Failed';
      if (type === 'DELETED') pods.delete(name);
      else pods.set(name, { name, version, ready: ready === 'True', ending: ending !== '', finished });
      this.states.push([...pods.values()]);
    });
  }

  get last(): readonly SeenPod[] {
    return this.states.at(-1) ?? [];
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#child.kill();
    await once(this.#child, 'close');
  }
}
