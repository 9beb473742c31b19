import { rfc3339Micro, type Clock } from '#base/clock.ts';
import { randomSuffix } from '#base/names.ts';
import type { CoreEvent } from '#api/generated/types.ts';
import type { KubeObject, Status } from '#api/object.ts';
import type { ApiHandler, ApiResponse } from '#api/request.ts';
import type { Resource } from '#api/resource.ts';
import { StatusError } from '../status-error.ts';

/** The API server, when it asks itself. */
const SELF = { username: 'system:apiserver', groups: ['system:masters', 'system:authenticated'] } as const;
const MERGE = 'application/merge-patch+json';

export interface EventText {
  readonly component: string;
  readonly reason: string;
  readonly action: string;
  readonly note: string;
}

/** The few requests that the server's own loops make, through the whole API as anybody else. */
export class KeeperClient {
  readonly #handle: ApiHandler;
  readonly #clock: Clock;

  constructor(handle: ApiHandler, clock: Clock) {
    this.#handle = handle;
    this.#clock = clock;
  }

  async create(resource: Resource, object: unknown, namespace?: string): Promise<void> {
    done(
      await this.#handle({ method: 'POST', path: pathOf(resource, namespace), query: {}, user: SELF, body: object }),
    );
  }

  async merge(resource: Resource, name: string, patch: unknown, subresource: string = ''): Promise<void> {
    const path = `${pathOf(resource, undefined)}/${name}${subresource}`;
    done(await this.#handle({ method: 'PATCH', path, query: {}, user: SELF, body: patch, contentType: MERGE }));
  }

  /** Gone already is as good. */
  async delete(resource: Resource, name: string): Promise<void> {
    const path = `${pathOf(resource, undefined)}/${name}`;
    const answer = await this.#handle({ method: 'DELETE', path, query: {}, user: SELF });
    if (answer.kind !== 'object' || answer.status !== 404) done(answer);
  }

  async warn({ apiVersion, kind, metadata }: KubeObject, text: EventText): Promise<void> {
    const { name, namespace, uid, resourceVersion } = metadata;
    const place = namespace ?? 'default';
    const event: Omit<CoreEvent, 'metadata'> & { readonly metadata: object } = {
      apiVersion: 'v1',
      kind: 'Event',
      metadata: { name: `${name}.${randomSuffix()}${randomSuffix()}`, namespace: place },
      involvedObject: { apiVersion, kind, name, namespace, uid, resourceVersion },
      type: 'Warning',
      reason: text.reason,
      action: text.action,
      message: text.note,
      eventTime: rfc3339Micro(this.#clock.now()),
      reportingComponent: text.component,
      reportingInstance: text.component,
    };
    await this.create(EVENTS, event, place);
  }
}

const EVENTS = { group: '', version: 'v1', plural: 'events' } as Resource;

function pathOf({ group, version, plural }: Resource, namespace: string | undefined): string {
  const root = group === '' ? `/api/${version}` : `/apis/${group}/${version}`;
  return namespace === undefined ? `${root}/${plural}` : `${root}/namespaces/${namespace}/${plural}`;
}

function done(answer: ApiResponse): void {
  if (answer.kind === 'object' && answer.status >= 300) throw new StatusError(answer.body as Status);
}
