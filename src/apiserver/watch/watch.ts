import { Channel } from '#base/channel.ts';
import type { KubeObject } from '#api/object.ts';
import { selectedName } from '#api/field-selector.ts';
import type { ApiResponse, WatchFrame } from '#api/request.ts';
import { expiredVersion, tooLargeResourceVersion } from '#api/status.ts';
import type { ResourceContext } from '../context.ts';
import { matcherOf, parseListOptions, type ListOptions } from '../list-options.ts';
import type { WatchSeries } from '../metrics/api-metrics.ts';
import { StatusError } from '../status-error.ts';
import type { Change } from '../storage/kind-cache.ts';
import { scopeOf } from '../verbs/list.ts';
import { errorFrame, type EventType } from './frame.ts';
import { frameFactory, type FrameFactory } from './frame-factory.ts';

/** So many events may wait for a reader that is slow; then its watch ends and it has to list anew. */
const BACKLOG = 16_384;
/** How often a quiet watch hears how far the server is. */
const BOOKMARK_MS = 60_000;
/** A watch without a time of its own ends between one and two times this, so that they do not all end at once. */
const MIN_TIMEOUT_SECONDS = 1_800;

export async function watch(context: ResourceContext): Promise<ApiResponse> {
  const options = parseListOptions(context.kind, queryOf(context), true);
  const current = context.server.storage.revision;
  if (options.sendInitialEvents === true && (options.revision ?? 0) > current) {
    throw new StatusError(tooLargeResourceVersion(options.revision ?? 0, current));
  }
  return { kind: 'watch', status: 200, frames: new Watcher(context, options) };
}

/** `/watch/.../name` is of that one object, and allowed to who may watch that one. */
function queryOf({ request, info }: ResourceContext): ResourceContext['request']['query'] {
  if (info.name === undefined) return request.query;
  const { fieldSelector = '' } = request.query;
  const named = `metadata.name=${info.name}`;
  return { ...request.query, fieldSelector: fieldSelector === '' ? named : `${fieldSelector},${named}` };
}

type Matcher = (object: KubeObject) => boolean;

/** Follows one kind for one client. It subscribes at once, so nothing is lost until its reader comes. */
class Watcher implements AsyncIterable<WatchFrame> {
  readonly #context: ResourceContext;
  readonly #options: ListOptions;
  readonly #channel = new Channel<WatchFrame>(BACKLOG);
  readonly #factory: FrameFactory;
  readonly #initial: Iterable<WatchFrame>;
  readonly #scope: string;
  readonly #name: string | undefined;
  readonly #matches: Matcher | undefined;
  readonly #cleanup: (() => void)[] = [];
  readonly #series: WatchSeries;

  constructor(context: ResourceContext, options: ListOptions) {
    this.#context = context;
    this.#options = options;
    this.#series = context.server.metrics.watchesOf(context.kind.resource);
    this.#factory = frameFactory(context);
    this.#scope = scopeOf(context);
    this.#name = selectedName(options.fields);
    this.#matches = matcherOf(context.kind, options);
    this.#initial = this.#start();
    this.#channel.onReturn = () => this.#stop();
  }

  async *[Symbol.asyncIterator](): AsyncIterator<WatchFrame> {
    try {
      for (const frame of this.#initial) {
        this.#series.events++;
        yield frame;
      }
      yield* this.#channel;
    } finally {
      this.#stop();
    }
  }

  #start(): Iterable<WatchFrame> {
    const { storage } = this.#context.server;
    const { revision, sendInitialEvents } = this.#options;
    const fromState = revision === undefined || revision === 0 || sendInitialEvents === true;
    if (fromState && sendInitialEvents !== false) {
      this.#follow(storage.revision);
      return this.#stateFrames(storage.revision);
    }
    const after = fromState ? storage.revision : (revision ?? 0);
    const missed = this.#context.cache.since(after);
    if (missed === undefined) {
      this.#channel.close();
      return [errorFrame(expiredVersion(after, this.#context.cache.floor + 1))];
    }
    this.#follow(after);
    return missed.map((change) => this.#frame(change)).filter((frame) => frame !== undefined);
  }

  /** The objects as they are now; the list is taken at once, the frames when they are read. */
  #stateFrames(revision: number): Iterable<WatchFrame> {
    const inside = this.#matches;
    const all = [...this.#context.cache.list(this.#scope)];
    const objects = inside === undefined ? all : all.filter(({ object }) => inside(object));
    const factory = this.#factory;
    const withEnd = this.#options.sendInitialEvents === true && this.#options.allowBookmarks;
    return (function* frames() {
      for (const stored of objects) yield factory.object('ADDED', stored);
      if (withEnd) yield factory.bookmark(revision, true);
    })();
  }

  #follow(after: number): void {
    const { server, request, cache } = this.#context;
    const subscription = cache.subscribe((change) => {
      if (change.revision <= after) return;
      const frame = this.#frame(change);
      if (frame === undefined) return;
      this.#series.events++;
      this.#channel.push(frame);
    });
    this.#series.open++;
    this.#cleanup.push(() => {
      this.#series.open--;
      subscription[Symbol.dispose]();
    });
    const seconds = this.#options.timeoutSeconds ?? MIN_TIMEOUT_SECONDS * (1 + Math.random());
    const timer = server.clock.after(seconds * 1_000, () => this.#end());
    this.#cleanup.push(() => timer[Symbol.dispose]());
    if (this.#options.allowBookmarks) this.#armBookmark();
    const stop = (): void => this.#channel.close();
    for (const signal of [request.signal, server.closing]) {
      if (signal === undefined) continue;
      if (signal.aborted) stop();
      signal.addEventListener('abort', stop, { once: true });
      this.#cleanup.push(() => signal.removeEventListener('abort', stop));
    }
  }

  #armBookmark(): void {
    const { clock, storage } = this.#context.server;
    let timer: Disposable;
    const arm = (): void => {
      timer = clock.after(BOOKMARK_MS, () => {
        this.#channel.push(this.#factory.bookmark(storage.revision, false));
        arm();
      });
    };
    arm();
    this.#cleanup.push(() => timer[Symbol.dispose]());
  }

  /** The time is over: a last bookmark lets the client go on from here without a list. */
  #end(): void {
    if (this.#options.allowBookmarks) {
      this.#channel.push(this.#factory.bookmark(this.#context.server.storage.revision, false));
    }
    this.#channel.close();
  }

  #stop(): void {
    for (const clean of this.#cleanup.splice(0)) clean();
    this.#channel.close();
  }

  /** The event that this watcher sees, if any: what enters its selector is added, what leaves it is deleted. */
  #frame(change: Change): WatchFrame | undefined {
    const { current, previous } = change;
    if (!current.key.startsWith(this.#scope)) return undefined;
    if (this.#name !== undefined && current.object.metadata.name !== this.#name) return undefined;
    const inside = this.#matches;
    if (inside === undefined) return this.#factory.change(change.type, change);
    const now = change.type !== 'DELETED' && inside(current.object);
    const before = previous !== undefined && inside(previous.object);
    if (!now && !before) return undefined;
    const type: EventType = now ? (before ? 'MODIFIED' : 'ADDED') : 'DELETED';
    return this.#factory.change(type, change);
  }
}
