import { systemClock } from '#base/clock.ts';
import type { ApiServerOptions } from '../api-server.ts';
import { TestAuthority, type TestCertificate } from './test-authority.ts';
import { Http1Client, Http2Client, type ClientOptions, type TestClient } from './https-client.ts';
import { TestServer } from './test-server.ts';

export const PROTOCOLS: readonly ('http/1.1' | 'h2')[] = ['http/1.1', 'h2'];

/** A server on a free port of the loopback, with an authority of its own. */
export class ListeningServer implements AsyncDisposable {
  readonly test: TestServer;
  readonly authority: TestAuthority;
  readonly port: number;
  readonly admin: TestCertificate;

  private constructor(test: TestServer, authority: TestAuthority, port: number, admin: TestCertificate) {
    this.test = test;
    this.authority = authority;
    this.port = port;
    this.admin = admin;
  }

  static async start(options: Partial<ApiServerOptions> = {}): Promise<ListeningServer> {
    const authority = await TestAuthority.create();
    const tls = await authority.issue('CN=kube-apiserver');
    const admin = await authority.issue('CN=admin, O=system:masters');
    const test = await TestServer.start({
      clock: systemClock,
      clientCa: authority.cert,
      tls,
      defaultPolicy: true,
      ...options,
    });
    const { port } = await test.server.listen({ host: '127.0.0.1', port: 0 });
    return new ListeningServer(test, authority, port, admin);
  }

  options(certificate: TestCertificate | undefined = this.admin): ClientOptions {
    return { port: this.port, authority: this.authority, certificate };
  }

  client(protocol: 'http/1.1' | 'h2', options: ClientOptions = this.options()): TestClient {
    return protocol === 'h2' ? new Http2Client(options) : new Http1Client(options);
  }

  /** A kubeconfig, the administrator's unless it is told whose. */
  kubeconfig(certificate: TestCertificate = this.admin): string {
    const base64 = (text: string): string => Buffer.from(text).toString('base64');
    const cluster = {
      server: `https://127.0.0.1:${this.port}`,
      'certificate-authority-data': base64(this.authority.cert),
    };
    const user = {
      'client-certificate-data': base64(certificate.cert),
      'client-key-data': base64(certificate.key),
    };
    return JSON.stringify({
      apiVersion: 'v1',
      kind: 'Config',
      clusters: [{ name: 'test', cluster }],
      users: [{ name: 'test', user }],
      contexts: [{ name: 'test', context: { cluster: 'test', user: 'test' } }],
      'current-context': 'test',
    });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.test[Symbol.asyncDispose]();
  }
}
