import { createServer } from 'node:http';
import { type Monitor, monitorReply } from './monitor.ts';

export interface MonitorServerOptions {
  readonly monitor: Monitor;
  readonly host?: string | undefined;
  readonly port: number;
}

export interface MonitorServer {
  readonly port: number;
  close(): Promise<void>;
}

/** `/health`, `/ready` and `/metrics` on one port. CoreDNS has a port for each: start one for each to look like it. */
export async function startMonitorServer({ monitor, host, port }: MonitorServerOptions): Promise<MonitorServer> {
  const server = createServer((request, response) => {
    const { pathname } = new URL(request.url ?? '/', 'http://monitor');
    const { status, type, body } = monitorReply(monitor, pathname);
    response.writeHead(status, { 'content-type': type });
    response.end(body);
  });
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen(port, host, resolve);
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
