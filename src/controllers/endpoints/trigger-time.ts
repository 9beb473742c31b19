import type { Pod, Service } from '#api/generated/types.ts';
import { objectKey } from '#api/object.ts';
import { podCondition } from '../pod-state.ts';

interface Known {
  service: string;
  readonly pods: Map<string, string>;
  /** Objects that were looked at; they do not change. */
  readonly seen: WeakSet<Pod>;
  /** The last list of all Pods, in which mostly one differs from the next. */
  all: readonly Pod[];
}

/**
 * When the oldest change happened that the next write of a Service's endpoints carries, for the annotation that the
 * network programming latency is measured by. RFC 3339 of one precision orders as text.
 */
export class TriggerTimes {
  readonly #known = new Map<string, Known>();

  /** Undefined when nothing changed that has a time. */
  next(service: Service, pods: readonly Pod[]): string | undefined {
    const isNew = !this.#known.has(objectKey(service));
    const known = this.#knownOf(objectKey(service));
    const { all } = known;
    known.all = pods;
    const oldest = this.after(
      service,
      pods.filter((pod, i) => pod !== all[i]),
    );
    if (known.pods.size > 2 * pods.length + 16) prune(known.pods, pods);
    // Its Pods may have been ready for long.
    return isNew ? service.metadata.creationTimestamp : oldest;
  }

  /** The same, where only these Pods changed. */
  after(service: Service, pods: readonly Pod[]): string | undefined {
    const known = this.#knownOf(objectKey(service));
    let oldest: string | undefined;
    const changed = (time: string, last: string): void => {
      if (time > last && (oldest === undefined || time < oldest)) oldest = time;
    };
    for (const pod of pods) {
      if (known.seen.has(pod)) continue;
      known.seen.add(pod);
      const time = podCondition(pod, 'Ready')?.lastTransitionTime;
      if (time === undefined) continue;
      changed(time, known.pods.get(pod.metadata.name) ?? '');
      known.pods.set(pod.metadata.name, time);
    }
    changed(service.metadata.creationTimestamp, known.service);
    known.service = service.metadata.creationTimestamp;
    return oldest;
  }

  /** A Pod that is no longer one of the Service's. */
  drop(service: Service, podName: string): void {
    this.#known.get(objectKey(service))?.pods.delete(podName);
  }

  forget(serviceKey: string): void {
    this.#known.delete(serviceKey);
  }

  #knownOf(key: string): Known {
    let known = this.#known.get(key);
    if (known === undefined) {
      known = { service: '', pods: new Map(), seen: new WeakSet(), all: [] };
      this.#known.set(key, known);
    }
    return known;
  }
}

/** Of two times, of which either may be absent. */
export function earlier(a: string | undefined, b: string | undefined): string | undefined {
  if (a === undefined || b === undefined) return a ?? b;
  return a < b ? a : b;
}

function prune(times: Map<string, string>, pods: readonly Pod[]): void {
  const names = new Set(pods.map(({ metadata }) => metadata.name));
  for (const name of times.keys()) if (!names.has(name)) times.delete(name);
}
