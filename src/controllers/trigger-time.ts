import { type Pod, type Service } from '#api/generated/types.ts';
import { objectKey } from '#api/object.ts';
import { podCondition } from './pod-state.ts';

interface Known {
  readonly service: string;
  readonly pods: ReadonlyMap<string, string>;
}

/**
 * When the oldest change happened that the next write of a Service's endpoints carries, for the annotation that the
 * network programming latency is measured by. RFC 3339 of one precision orders as text.
 */
export class TriggerTimes {
  readonly #known = new Map<string, Known>();

  /** Undefined when nothing changed that has a time. */
  next(service: Service, pods: readonly Pod[]): string | undefined {
    const key = objectKey(service);
    const before = this.#known.get(key);
    const times = new Map<string, string>();
    let oldest: string | undefined;
    const changed = (time: string, last: string | undefined): void => {
      if (time > (last ?? '') && (oldest === undefined || time < oldest)) oldest = time;
    };
    for (const pod of pods) {
      const time = podCondition(pod, 'Ready')?.lastTransitionTime;
      if (time === undefined) continue;
      times.set(pod.metadata.name, time);
      changed(time, before?.pods.get(pod.metadata.name));
    }
    changed(service.metadata.creationTimestamp, before?.service);
    this.#known.set(key, { service: service.metadata.creationTimestamp, pods: times });
    return oldest;
  }

  forget(serviceKey: string): void {
    this.#known.delete(serviceKey);
  }
}
