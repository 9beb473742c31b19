import type { KindDefinition } from '#api/kind.ts';
import type { KubeObject } from '#api/object.ts';
import type { WatchFrame } from '#api/request.ts';
import { apiVersionOf } from '#api/resource.ts';
import { partialMetadata, renderTable } from '#api/table.ts';
import type { ResourceContext } from '../context.ts';
import { negotiate, OBJECT_SHAPES } from '../negotiate.ts';
import { presented } from '../presented.ts';
import { includeObject } from '../respond.ts';
import type { Change } from '../storage/kind-cache.ts';
import type { StoredObject } from '../storage/stored-object.ts';
import { bookmarkObject, EventFrame, objectFrame, sharedFrame, shownObject, type EventType } from './frame.ts';

/** Makes the events of one watch in the shape that its client asked for. */
export interface FrameFactory {
  /** An object of the initial state. */
  object(type: EventType, stored: StoredObject): WatchFrame;
  change(type: EventType, change: Change): WatchFrame;
  bookmark(revision: number, initialEventsEnd: boolean): WatchFrame;
}

export function frameFactory(context: ResourceContext): FrameFactory {
  const negotiated = negotiate(context.request.accept, OBJECT_SHAPES);
  const { kind } = context;
  const { resource } = kind;
  const identity = { kind: resource.kind, apiVersion: apiVersionOf(resource) };
  const bookmark = (revision: number, end: boolean): KubeObject => bookmarkObject(identity, revision, end);
  if (negotiated.as === undefined) {
    return {
      ...plainFrames(kind),
      bookmark: (revision, end) => new EventFrame(() => ({ type: 'BOOKMARK', object: bookmark(revision, end) })),
    };
  }
  const transform = negotiated.as === 'Table' ? tableOf(context, negotiated.version) : partialOf(negotiated.version);
  return {
    object: (type, stored) => new EventFrame(() => ({ type, object: transform(presented(kind, stored.object)) })),
    change: (type, change) =>
      new EventFrame(() => ({ type, object: transform(presented(kind, shownObject(change, type).object)) })),
    bookmark: (revision, end) =>
      new EventFrame(() => ({ type: 'BOOKMARK', object: transform(bookmark(revision, end), true) })),
  };
}

/** Whole objects; those that are shown as they are stored share their events with all watchers. */
function plainFrames(kind: KindDefinition): Pick<FrameFactory, 'object' | 'change'> {
  const { present } = kind;
  if (present === undefined) return { object: objectFrame, change: (type, change) => sharedFrame(change, type) };
  const frame = (type: EventType, stored: StoredObject): WatchFrame =>
    present(stored.object) === stored.object
      ? objectFrame(type, stored)
      : new EventFrame(() => ({ type, object: present(stored.object) }));
  return { object: frame, change: (type, change) => frame(type, shownObject(change, type)) };
}

type Transform = (object: KubeObject, isBookmark?: boolean) => KubeObject;

function partialOf(version: string): Transform {
  return (object) => partialMetadata(object, version);
}

/** Columns are in the first event only. */
function tableOf(context: ResourceContext, version: string): Transform {
  const include = includeObject(context);
  let first = true;
  return (object, isBookmark = false) => {
    const noHeaders = !first;
    first = false;
    const metadata = { resourceVersion: object.metadata.resourceVersion };
    const options = { includeObject: include, version, noHeaders, metadata };
    // A bookmark has no cells to speak of; clients read the version off the row's object.
    const table = renderTable(context.kind, isBookmark ? [] : [object], context.server.clock.now(), options);
    const rows = isBookmark ? [{ cells: [], object: partialMetadata(object, version) }] : table.rows;
    return { ...table, rows } as unknown as KubeObject;
  };
}
