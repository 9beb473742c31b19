/** A Pod's program that answers HTTP on `port` with its host name and keeps connections open. */
const HTTP_SERVER = `
import http.server, socket
class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    def do_GET(self):
        body = (socket.gethostname() + " " + self.client_address[0] + "\\n").encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)
    def log_message(self, format, *args):
        print("served", self.client_address[0], flush=True)
http.server.ThreadingHTTPServer.request_queue_size = 128
http.server.ThreadingHTTPServer(("", PORT), Handler).serve_forever()
`;

/** A Pod's program that answers each UDP datagram with its host name. */
const UDP_SERVER = `
import socket
s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
s.bind(("", PORT))
while True:
    data, peer = s.recvfrom(2048)
    s.sendto(socket.gethostname().encode(), peer)
`;

export interface Workload {
  readonly name: string;
  readonly replicas: number;
  readonly protocol?: 'TCP' | 'UDP';
  readonly port?: number;
  /** A file whose presence makes the Pod ready; without it a Pod is ready as soon as its port answers. */
  readonly readyFile?: string;
  readonly spread?: boolean;
}

/** A Deployment of servers that say who they are. */
export function deployment({ name, replicas, protocol = 'TCP', port = 80, readyFile }: Workload): string {
  const program = (protocol === 'TCP' ? HTTP_SERVER : UDP_SERVER).replaceAll('PORT', String(port));
  const probe =
    readyFile !== undefined
      ? { exec: { command: ['test', '-e', readyFile] }, periodSeconds: 1 }
      : protocol === 'TCP'
        ? { tcpSocket: { port }, periodSeconds: 1 }
        : undefined;
  return JSON.stringify({
    apiVersion: 'apps/v1',
    kind: 'Deployment',
    metadata: { name },
    spec: {
      replicas,
      selector: { matchLabels: { app: name } },
      template: {
        metadata: { labels: { app: name } },
        spec: {
          terminationGracePeriodSeconds: 3,
          containers: [
            {
              name,
              image: 'host',
              // Kept alive for a moment after the Pod is told to end, so that no node still sends to a closed port.
              lifecycle: { preStop: { exec: { command: ['sleep', '1'] } } },
              command: ['python3', '-u', '-c', program],
              ports: [{ containerPort: port, protocol }],
              ...(probe === undefined ? {} : { readinessProbe: probe }),
            },
          ],
        },
      },
    },
  });
}

export interface ServiceManifest {
  readonly name: string;
  readonly selector: Readonly<Record<string, string>>;
  readonly port?: number;
  readonly targetPort?: number | string;
  readonly protocol?: 'TCP' | 'UDP';
}

export function service({ name, selector, port = 80, targetPort = port, protocol = 'TCP' }: ServiceManifest): string {
  return JSON.stringify({
    apiVersion: 'v1',
    kind: 'Service',
    metadata: { name },
    spec: { selector, ports: [{ protocol, port, targetPort }] },
  });
}

/** A Pod that sleeps, to run commands in. `nodeName` and `hostNetwork` say where it stands. */
export function clientPod(
  name: string,
  where: { readonly nodeName?: string; readonly hostNetwork?: boolean } = {},
): string {
  return JSON.stringify({
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: { name },
    spec: {
      ...where,
      dnsPolicy: where.hostNetwork === true ? 'ClusterFirstWithHostNet' : 'ClusterFirst',
      terminationGracePeriodSeconds: 0,
      containers: [{ name: 'client', image: 'host', command: ['sleep', 'infinity'] }],
    },
  });
}
