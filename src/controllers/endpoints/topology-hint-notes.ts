import type { Service } from '#api/generated/types.ts';
import type { EventRecorder } from '#client/events.ts';
import type { HintNote } from './topology-hints.ts';

/** Tells in a Service's events when hints by topology come, go, or cannot be had for another reason than before. */
export class HintNotes {
  readonly #recorder: EventRecorder;
  readonly #told = new Map<string, Map<string, HintNote>>();

  constructor(recorder: EventRecorder) {
    this.#recorder = recorder;
  }

  tell(key: string, service: Service, notes: ReadonlyMap<string, HintNote>): void {
    const before = this.#told.get(key);
    if (before === undefined && notes.size === 0) return;
    for (const [addressType, { type, reason, message }] of notes) {
      if (before?.get(addressType)?.message === message) continue;
      this.#recorder.record(service, type, reason, `${message}, addressType: ${addressType}`);
    }
    for (const [addressType, note] of before ?? []) {
      if (notes.has(addressType) || note.reason === 'TopologyAwareHintsDisabled') continue;
      const message = `Topology Aware Hints has been disabled, addressType: ${addressType}`;
      this.#recorder.record(service, 'Warning', 'TopologyAwareHintsDisabled', message);
    }
    if (notes.size === 0) this.#told.delete(key);
    else this.#told.set(key, new Map(notes));
  }

  forget(key: string): void {
    this.#told.delete(key);
  }
}
