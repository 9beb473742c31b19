import type { Server, ServerResponse } from 'node:http';
import { http } from '#base/http.ts';
import type { Clock } from '#base/clock.ts';
import { errorMessage } from '#base/errors.ts';
import type { Log } from '#base/log.ts';
import type { ServiceHealth } from './service-health.ts';

/** What `net.Server.listen` takes: a socket of the node's network, or a port of this process's own. */
export type ListenTarget = { readonly fd: number } | { readonly port: number; readonly host?: string };

export interface HealthCheckOptions {
  readonly open: (port: number) => ListenTarget | Promise<ListenTarget>;
  /** Told once of each port that cannot be opened, and is tried again. */
  readonly onHealthCheckFailure?: ((service: string, port: number, error: string) => void) | undefined;
  /** The rules are what they should be. */
  readonly isHealthy: () => boolean;
  readonly clock: Clock;
  readonly log: Log;
}

const RETRY_MS = 5000;

interface Served {
  readonly port: number;
  readonly server: Server;
  localEndpoints: number;
  retry: Disposable | undefined;
}

/**
 * Tells load balancers whether this node has backends of a Service, in the words of kube-proxy
 * (pkg/proxy/healthcheck/service_health.go): one HTTP server a Service.
 */
export class HealthCheckServer implements Disposable {
  readonly #options: HealthCheckOptions;
  /** By `namespace/name`. */
  readonly #served = new Map<string, Served>();

  constructor(options: HealthCheckOptions) {
    this.#options = options;
  }

  set(service: string, health: ServiceHealth | undefined): void {
    const known = this.#served.get(service);
    if (known !== undefined && known.port === health?.port) {
      known.localEndpoints = health.localEndpoints;
      return;
    }
    known?.retry?.[Symbol.dispose]();
    known?.server.close();
    known?.server.closeAllConnections();
    this.#served.delete(service);
    if (health !== undefined) this.#listen(service, health);
  }

  [Symbol.dispose](): void {
    for (const service of this.#served.keys()) this.set(service, undefined);
  }

  #listen(service: string, { port, localEndpoints }: ServiceHealth): void {
    const { clock, log, onHealthCheckFailure } = this.#options;
    const server = http.createServer((_, response) => this.#answer(service, response));
    const served: Served = { port, server, localEndpoints, retry: undefined };
    this.#served.set(service, served);
    let isSaid = false;
    server.on('error', (error) => {
      if (this.#served.get(service) !== served) return;
      // Mostly the proxy that this one replaces has it still.
      if (!isSaid) {
        log.error('health check port not opened', { service, port, error: errorMessage(error), retryMs: RETRY_MS });
        onHealthCheckFailure?.(service, port, errorMessage(error));
      }
      isSaid = true;
      served.retry = clock.after(RETRY_MS, () => this.#open(service, served));
    });
    this.#open(service, served);
  }

  #open(service: string, served: Served): void {
    const { server, port } = served;
    Promise.try(this.#options.open, port).then(
      // A server that was closed meanwhile is opened all the same, as only so its socket is closed.
      (target) => void server.listen(target, () => this.#closeStale(service, served)),
      (error: unknown) => void server.emit('error', error),
    );
  }

  #closeStale(service: string, served: Served): void {
    if (this.#served.get(service) !== served) served.server.close();
  }

  #answer(service: string, response: ServerResponse): void {
    const [namespace, name] = service.split('/');
    const localEndpoints = this.#served.get(service)?.localEndpoints ?? 0;
    const serviceProxyHealthy = this.#options.isHealthy();
    response.writeHead(localEndpoints > 0 && serviceProxyHealthy ? 200 : 503, {
      'Content-Type': 'application/json',
      'X-Content-Type-Options': 'nosniff',
      'X-Load-Balancing-Endpoint-Weight': String(localEndpoints),
    });
    response.end(JSON.stringify({ service: { namespace, name }, localEndpoints, serviceProxyHealthy }));
  }
}
