import { column, nameColumn, wideColumn } from '../columns.ts';
import { defineKind } from '../define-kind.ts';
import { ageOf } from '../duration.ts';
import { type FieldError, invalid } from '../field-error.ts';
import type * as t from '../generated/types.ts';
import type { Cell, KindDefinition } from '../kind.ts';
import { events } from '../resource.ts';

type Getter = (event: t.CoreEvent) => string;

function involved(key: keyof t.ObjectReference): Getter {
  return (event) => event.involvedObject?.[key] ?? '';
}

function objectCell({ kind = '', name = '' }: t.ObjectReference): string {
  return name === '' ? kind.toLowerCase() : `${kind.toLowerCase()}/${name}`;
}

function sourceCell(event: t.CoreEvent): string {
  const component = event.source?.component || event.reportingComponent || '';
  const host = event.source?.host || event.reportingInstance || '';
  return host === '' ? component : `${component}, ${host}`;
}

function row(event: t.CoreEvent, now: number): readonly Cell[] {
  const first = ageOf(event.firstTimestamp ?? event.eventTime, now);
  const last = event.lastTimestamp === undefined ? first : ageOf(event.lastTimestamp, now);
  return [
    event.series === undefined ? last : ageOf(event.series.lastObservedTime, now),
    event.type ?? '',
    event.reason ?? '',
    objectCell(event.involvedObject ?? {}),
    event.involvedObject?.fieldPath ?? '',
    sourceCell(event),
    (event.message ?? '').trim(),
    first,
    event.series?.count ?? (event.count || 1),
    event.metadata.name,
  ];
}

function validate({ involvedObject, metadata }: t.CoreEvent): FieldError[] {
  const { namespace = '' } = involvedObject ?? {};
  // Events about cluster-wide objects are kept in `default`.
  const fits =
    namespace === ''
      ? metadata.namespace === 'default' || metadata.namespace === 'kube-system'
      : namespace === metadata.namespace;
  return fits ? [] : [invalid('involvedObject.namespace', namespace, 'does not match event.namespace')];
}

export const event: KindDefinition<t.CoreEvent> = defineKind(events, {
  model: 'CoreEvent',
  shortNames: ['ev'],
  createOnUpdate: true,
  columns: [
    column('Last Seen', 'string', 'Time since the event was seen last.'),
    column('Type', 'string', 'Normal or Warning.'),
    column('Reason', 'string', 'Why, in one word.'),
    column('Object', 'string', 'What the event is about.'),
    wideColumn('Subobject', 'string', 'The part of the object that the event is about.'),
    wideColumn('Source', 'string', 'Who reported the event.'),
    column('Message', 'string', 'What happened, for people.'),
    wideColumn('First Seen', 'string', 'Time since the event was seen first.'),
    wideColumn('Count', 'string', 'How often the event was seen.'),
    { ...nameColumn, priority: 1 },
  ],
  row,
  defaults: (event) => ({
    ...event,
    source: event.source ?? {},
    reportingComponent: event.reportingComponent ?? '',
    reportingInstance: event.reportingInstance ?? '',
  }),
  fields: {
    'involvedObject.kind': involved('kind'),
    'involvedObject.namespace': involved('namespace'),
    'involvedObject.name': involved('name'),
    'involvedObject.uid': involved('uid'),
    'involvedObject.apiVersion': involved('apiVersion'),
    'involvedObject.resourceVersion': involved('resourceVersion'),
    'involvedObject.fieldPath': involved('fieldPath'),
    reason: (event) => event.reason ?? '',
    reportingComponent: (event) => event.reportingComponent ?? '',
    source: (event) => event.source?.component || event.reportingComponent || '',
    type: (event) => event.type ?? '',
  },
  validate,
});
