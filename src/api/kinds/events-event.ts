import { defineKind } from '../define-kind.ts';
import { type FieldError, invalid, required } from '../field-error.ts';
import type * as t from '../generated/types.ts';
import type { KindDefinition } from '../kind.ts';
import type { KubeObject } from '../object.ts';
import { events, newEvents } from '../resource.ts';
import { validateChoice, validateImmutable } from '../validation.ts';
import { event } from './event.ts';

type Old = Partial<t.CoreEvent>;
type New = Partial<t.EventsEvent>;

/** The same Event in the words of events.k8s.io. */
export function newEventOf(old: Old): New {
  return defined<New>({
    kind: 'Event',
    apiVersion: 'events.k8s.io/v1',
    metadata: old.metadata,
    eventTime: old.eventTime ?? (null as unknown as string),
    series: old.series as New['series'],
    reportingController: old.reportingComponent,
    reportingInstance: old.reportingInstance,
    action: old.action,
    reason: old.reason,
    regarding: old.involvedObject,
    related: old.related,
    note: old.message,
    type: old.type,
    deprecatedSource: old.source,
    deprecatedFirstTimestamp: old.firstTimestamp,
    deprecatedLastTimestamp: old.lastTimestamp,
    deprecatedCount: old.count,
  });
}

export function oldEventOf(shown: New): Old {
  return defined<Old>({
    kind: 'Event',
    apiVersion: 'v1',
    metadata: shown.metadata,
    involvedObject: shown.regarding ?? {},
    reason: shown.reason,
    message: shown.note,
    source: shown.deprecatedSource ?? {},
    firstTimestamp: shown.deprecatedFirstTimestamp,
    lastTimestamp: shown.deprecatedLastTimestamp,
    count: shown.deprecatedCount,
    type: shown.type,
    eventTime: shown.eventTime,
    series: shown.series,
    action: shown.action,
    related: shown.related,
    reportingComponent: shown.reportingController,
    reportingInstance: shown.reportingInstance,
  });
}

function defined<T extends object>(members: { readonly [K in keyof T]?: T[K] | undefined }): T {
  return Object.fromEntries(Object.entries(members).filter(([, member]) => member !== undefined)) as T;
}

const MAX_NOTE_BYTES = 1024;

function validate(shown: t.EventsEvent): FieldError[] {
  const { regarding, metadata } = shown;
  const errors: FieldError[] = [];
  const namespace = regarding?.namespace ?? '';
  const isDefault = metadata.namespace === 'default' || metadata.namespace === 'kube-system';
  if (namespace === '' ? !isDefault : namespace !== metadata.namespace) {
    errors.push(invalid('regarding.namespace', namespace, 'does not match event.namespace'));
  }
  return errors;
}

/** What the old API lets through and the new one does not. */
function validateNew(shown: t.EventsEvent): FieldError[] {
  const errors: FieldError[] = [];
  const { eventTime, note = '' } = shown as New;
  if (eventTime === undefined || eventTime === null) errors.push(required('eventTime'));
  for (const field of ['reportingController', 'reportingInstance', 'action', 'reason'] as const) {
    if ((shown[field] ?? '') === '') errors.push(required(field));
  }
  errors.push(...validateChoice('type', shown.type, ['Normal', 'Warning']));
  if (Buffer.byteLength(note) > MAX_NOTE_BYTES) errors.push(invalid('note', note, 'can have at most 1024 characters'));
  for (const field of ['deprecatedFirstTimestamp', 'deprecatedLastTimestamp', 'deprecatedCount'] as const) {
    if (shown[field] !== undefined) errors.push(invalid(field, shown[field], 'needs to be unset'));
  }
  return errors;
}

const FIXED = ['regarding', 'reason', 'action', 'note', 'type', 'reportingController', 'reportingInstance'] as const;

const definition = defineKind<t.EventsEvent>(newEvents, {
  model: 'EventsEvent',
  shortNames: ['ev'],
  createOnUpdate: true,
  columns: event.columns,
  row: (shown, now) => event.row(oldEventOf(shown) as t.CoreEvent, now),
  // Selectors are matched against what is stored.
  fields: Object.fromEntries(
    Object.entries(event.fields).map(([name, get]) => [
      name.replace(/^involvedObject/, 'regarding').replace(/^reportingComponent$/, 'reportingController'),
      (stored: t.EventsEvent) => get(stored as unknown as t.CoreEvent),
    ]),
  ),
  validate,
  validateChange: (shown, old) => FIXED.flatMap((field) => validateImmutable(field, shown[field], old[field])),
});

/** Shares its storage with the Events of the core group: what is written there is read here, and the other way round. */
export const eventsEvent: KindDefinition<t.EventsEvent> = Object.freeze({
  ...definition,
  validateCreate: (shown: t.EventsEvent) => [...definition.validateCreate(shown), ...validateNew(shown)],
  storedAs: events,
  present: (stored: KubeObject) => newEventOf(stored as t.CoreEvent) as KubeObject,
  persist: (shown: KubeObject) => oldEventOf(shown as t.EventsEvent) as KubeObject,
});
