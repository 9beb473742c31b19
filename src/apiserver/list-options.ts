import { errorMessage } from '#base/errors.ts';
import { fieldSelectorProblem, matchesFields, parseFieldSelector, type FieldSelector } from '#api/field-selector.ts';
import { forbidden, invalidStatus, unsupported, type FieldError } from '#api/field-error.ts';
import type { KindDefinition } from '#api/kind.ts';
import { matchesLabels, type Selector } from '#api/label-selector.ts';
import { parseLabelSelector } from '#api/label-selector-parser.ts';
import type { KubeObject } from '#api/object.ts';
import { badRequest, failure } from '#api/status.ts';
import { isTrue } from './request-info.ts';
import { StatusError } from './status-error.ts';

export type VersionMatch = 'Exact' | 'NotOlderThan';

/** The query of a list, watch or deletecollection. */
export interface ListOptions {
  readonly labels: Selector | undefined;
  readonly fields: FieldSelector;
  readonly limit: number;
  readonly continue: string;
  /** Undefined: the most recent. 0: any. */
  readonly revision: number | undefined;
  readonly match: VersionMatch | undefined;
  readonly allowBookmarks: boolean;
  readonly sendInitialEvents: boolean | undefined;
  readonly timeoutSeconds: number | undefined;
}

type Query = Readonly<Record<string, string>>;

export function parseListOptions(kind: KindDefinition, query: Query, watching: boolean): ListOptions {
  const options: ListOptions = {
    ...parseSelectors(kind, query),
    limit: parseInteger(query['limit']) ?? 0,
    continue: query['continue'] ?? '',
    revision: watching ? parseRevision(query['resourceVersion']) : listRevision(query['resourceVersion']),
    match: (query['resourceVersionMatch'] || undefined) as VersionMatch | undefined,
    allowBookmarks: isTrue(query['allowWatchBookmarks']),
    sendInitialEvents: query['sendInitialEvents'] === undefined ? undefined : isTrue(query['sendInitialEvents']),
    timeoutSeconds: parseInteger(query['timeoutSeconds']),
  };
  const errors = watching ? watchProblems(options) : listProblems(options);
  if (errors.length > 0) {
    throw new StatusError(invalidStatus({ group: 'meta.k8s.io', kind: 'ListOptions' }, '', errors));
  }
  return options;
}

function parseSelectors(kind: KindDefinition, query: Query): { labels: Selector | undefined; fields: FieldSelector } {
  try {
    const labels = query['labelSelector'] ? parseLabelSelector(query['labelSelector']) : undefined;
    const fields = query['fieldSelector'] ? parseFieldSelector(query['fieldSelector']) : [];
    const problem = fieldSelectorProblem(kind, fields);
    if (problem !== undefined) throw new StatusError(badRequest(problem));
    return { labels, fields };
  } catch (error) {
    if (error instanceof StatusError) throw error;
    throw new StatusError(badRequest(errorMessage(error)));
  }
}

export function parseInteger(text: string | undefined): number | undefined {
  if (text === undefined || text === '') return undefined;
  if (!/^-?\d+$/.test(text)) {
    throw new StatusError(badRequest(`strconv.ParseInt: parsing ${JSON.stringify(text)}: invalid syntax`));
  }
  return Number(text);
}

/** A list that names no revision is a bad request, where a get or a watch fails. */
function listRevision(text: string | undefined): number | undefined {
  try {
    return parseRevision(text);
  } catch (error) {
    if (!(error instanceof StatusError)) throw error;
    throw new StatusError(badRequest(`invalid resource version: ${error.status.message ?? ''}`));
  }
}

export function parseRevision(text: string | undefined): number | undefined {
  if (text === undefined || text === '') return undefined;
  if (!/^\d+$/.test(text)) {
    const quoted = JSON.stringify(text);
    const why = `strconv.ParseUint: parsing ${quoted}: invalid syntax`;
    throw new StatusError(failure(500, `resourceVersion: Invalid value: ${quoted}: ${why}`));
  }
  return Number(text);
}

const MATCH = 'resourceVersionMatch';

function listProblems(options: ListOptions): FieldError[] {
  const errors: FieldError[] = [];
  if (options.sendInitialEvents !== undefined) {
    errors.push(forbidden('sendInitialEvents', 'sendInitialEvents is forbidden for list'));
  }
  const { match } = options;
  if (match === undefined) return errors;
  if (options.revision === undefined) {
    errors.push(forbidden(MATCH, `${MATCH} is forbidden unless resourceVersion is provided`));
  }
  if (options.continue !== '') errors.push(forbidden(MATCH, `${MATCH} is forbidden when continue is provided`));
  if (match !== 'Exact' && match !== 'NotOlderThan')
    errors.push(unsupported(MATCH, match, ['Exact', 'NotOlderThan', '']));
  if (match === 'Exact' && options.revision === 0) {
    errors.push(forbidden(MATCH, `${MATCH} "exact" is forbidden for resourceVersion "0"`));
  }
  return errors;
}

function watchProblems(options: ListOptions): FieldError[] {
  const errors: FieldError[] = [];
  const { match, sendInitialEvents } = options;
  if (sendInitialEvents !== undefined && match !== 'NotOlderThan') {
    errors.push(forbidden(MATCH, `sendInitialEvents requires setting ${MATCH} to NotOlderThan`));
  }
  if (match === undefined) return errors;
  if (sendInitialEvents === undefined) {
    errors.push(forbidden(MATCH, `${MATCH} is forbidden for watch unless sendInitialEvents is provided`));
  }
  if (match !== 'NotOlderThan') errors.push(unsupported(MATCH, match, ['NotOlderThan']));
  if (options.continue !== '') errors.push(forbidden(MATCH, `${MATCH} is forbidden when continue is provided`));
  return errors;
}

/** Whether an object is among those asked for; undefined when all are. */
export function matcherOf(kind: KindDefinition, options: ListOptions): ((object: KubeObject) => boolean) | undefined {
  const { labels, fields } = options;
  if (labels === undefined && fields.length === 0) return undefined;
  return (object) =>
    (labels === undefined || matchesLabels(labels, object.metadata.labels)) && matchesFields(kind, fields, object);
}
