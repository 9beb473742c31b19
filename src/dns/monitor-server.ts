import { http } from '#base/http.ts';
import { type Monitor, monitorReply } from './monitor.ts';

export interface MonitorServerOptions {
  readonly monitor: Monitor;
  readonly host?: string | undefined;
  readonly port?: number | undefined;
  /** A listening socket instead of a host and port. */
  readonly fd?: number | undefined;
}

export interface MonitorServer {
  readonly port: number;
  close(): Promise<void>;
}

/** `/health`, `/ready` and `/metrics` on one port. CoreDNS has a port for each: start one for each to look like it. */
export async function startMonitorServer(options: MonitorServerOptions): Promise<MonitorServer> {
  const { monitor, host, port = 0, fd } = options;
  const server = http.createServer((request, response) => {
    const { pathname } = new URL(request.url ?? '/', 'http://monitor');
    const { status, type, body } = monitorReply(monitor, pathname);
    response.writeHead(status, { 'content-type': type });
    response.end(body);
  });
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    if (fd === undefined) server.listen(port, host, resolve);
    else server.listen({ fd }, resolve);
  });
  const address = server.address();
  return {
    port: typeof address === 'object' && address !== null ? address.port : port,
    async close() {
      const closed = new Promise((resolve) => server.close(resolve));
      server.closeAllConnections();
      await closed;
    },
  };
}
