import type { KubeObject, Status, WatchEvent } from '#api/object.ts';
import type { WatchFrame } from '#api/request.ts';
import type { Change } from '../storage/kind-cache.ts';
import type { StoredObject } from '../storage/stored-object.ts';

export type EventType = 'ADDED' | 'MODIFIED' | 'DELETED';

/**
 * One event for any number of watchers: its object, its JSON and its bytes are made once, by the first that needs them,
 * and not before: what a table's event looks like depends on whether it is the first that is read.
 */
export class EventFrame implements WatchFrame {
  readonly #make: () => WatchEvent;
  readonly #json: (() => string) | undefined;
  #event: WatchEvent | undefined;
  #text: string | undefined;
  #bytes: Buffer | undefined;

  constructor(make: () => WatchEvent, json?: () => string) {
    this.#make = make;
    this.#json = json;
  }

  get event(): WatchEvent {
    this.#event ??= this.#make();
    return this.#event;
  }

  get text(): string {
    this.#text ??= this.#json?.() ?? JSON.stringify(this.event);
    return this.#text;
  }

  /** The line that goes out, with its newline. */
  get bytes(): Buffer {
    this.#bytes ??= Buffer.from(`${this.text}\n`);
    return this.#bytes;
  }
}

export function objectFrame(type: EventType, stored: StoredObject): EventFrame {
  return new EventFrame(
    () => ({ type, object: stored.object }),
    () => `{"type":"${type}","object":${stored.text}}`,
  );
}

export function errorFrame(status: Status): EventFrame {
  return new EventFrame(() => ({ type: 'ERROR', object: status }));
}

/** How far a watch has come, in an otherwise empty object. */
export function bookmarkObject(
  kind: { readonly kind: string; readonly apiVersion: string },
  revision: number,
  initialEventsEnd: boolean,
): KubeObject {
  const annotations = initialEventsEnd ? { annotations: { 'k8s.io/initial-events-end': 'true' } } : {};
  const metadata = { resourceVersion: String(revision), creationTimestamp: null, ...annotations };
  return { kind: kind.kind, apiVersion: kind.apiVersion, metadata } as unknown as KubeObject;
}

/**
 * The frames of the change that is being told at this moment. All watchers of a change hear of it in one turn, so one
 * slot is enough, and frames do not outlive the slowest reader.
 */
let latest: { readonly change: Change; readonly frames: Partial<Record<EventType, EventFrame>> } | undefined;

export function sharedFrame(change: Change, type: EventType): EventFrame {
  if (latest?.change !== change) latest = { change, frames: {} };
  const { frames } = latest;
  frames[type] ??= objectFrame(type, shownObject(change, type));
  return frames[type];
}

/** An object that only left the selector is reported with its last state that was inside. */
export function shownObject(change: Change, type: EventType): StoredObject {
  const { current, previous } = change;
  return type === 'DELETED' && change.type !== 'DELETED' && previous !== undefined
    ? previous.at(change.revision)
    : current;
}
