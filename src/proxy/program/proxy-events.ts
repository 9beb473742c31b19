import type { Node } from '#api/generated/types.ts';
import { services } from '#api/resource.ts';
import { createEventRecorder, type EventRecorder } from '#client/events.ts';
import type { HealthCheckOptions } from '../health-check-server.ts';
import type { FeedOptions } from './cluster-feed.ts';

/** Events as `kubectl describe` shows them, under the name and with the reasons of kube-proxy. */
export class ProxyEvents {
  readonly #recorder: EventRecorder;
  readonly #feed: FeedOptions;
  readonly #nodeName: string;

  constructor(nodeName: string, feed: FeedOptions) {
    this.#nodeName = nodeName;
    this.#feed = feed;
    this.#recorder = createEventRecorder({ ...feed, component: 'kube-proxy', host: nodeName });
  }

  started(node: Node): void {
    this.#recorder.record(node, 'Normal', 'Starting', '');
  }

  readonly healthCheckFailed: NonNullable<HealthCheckOptions['onHealthCheckFailure']> = (service, port, error) => {
    const [namespace = '', name = ''] = service.split('/');
    const message = `node ${this.#nodeName} failed to start healthcheck "${service}" on port ${port}: ${error}`;
    const { client, log, signal } = this.#feed;
    client.get(services, { namespace, name }, { signal }).then(
      (object) => this.#recorder.record(object, 'Warning', 'FailedToStartServiceHealthcheck', message),
      (cause: unknown) => log.debug('event dropped', { service, cause: String(cause) }),
    );
  };
}
