import type { Pod } from '#api/generated/types.ts';
import { objectKey } from '#api/object.ts';

/** What happened to each Service since it was last looked at: to a few of its Pods, or who knows what. */
export class PodChanges {
  /** Keys of Pods; a Service without an entry has to be looked at as a whole. */
  readonly #pods = new Map<string, Set<string>>();

  /** `pod` undefined: who knows what. */
  note(service: string, pod: Pod | undefined): void {
    if (pod === undefined) this.#pods.delete(service);
    else this.#pods.get(service)?.add(objectKey(pod));
  }

  /** From here on only Pods that are noted may differ. */
  begin(service: string): void {
    this.#pods.set(service, new Set());
  }

  /** Undefined stands for all Pods. Until `begin` is called again it will be all. */
  take(service: string): readonly string[] | undefined {
    const pods = this.#pods.get(service);
    this.#pods.delete(service);
    return pods === undefined ? undefined : [...pods];
  }
}
