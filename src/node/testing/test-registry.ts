import { spawn, type ChildProcess } from 'node:child_process';
import { accessSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { type IncomingMessage, request } from 'node:http';
import { once } from 'node:events';
import { tmpdir } from 'node:os';
import { connectFromHost } from '../image/host-socket.ts';
import { OCI_MANIFEST, type TestImage } from './test-image.ts';

const PROGRAM = '/usr/bin/docker-registry';

/** Why there can be no registry here; undefined when there can be. */
export function registryMissing(): string | false {
  for (const file of [PROGRAM, '/bin/busybox']) {
    try {
      accessSync(file);
    } catch {
      return `${file} is not installed (Debian: docker-registry, busybox-static)`;
    }
  }
  return false;
}

/**
 * A real registry on the machine's loopback, with nothing in it. It is in the network that the calling thread is in when
 * it is made, which is why that has to be done before a `SandboxRuntime` is.
 */
export class TestRegistry implements AsyncDisposable {
  readonly #process: ChildProcess;
  readonly #directory: string;
  readonly #authorization: string | undefined;
  readonly #port: Promise<number>;

  /** `htpasswd` is a line of such a file, `login` the `user:password` it stands for. */
  constructor(users?: { readonly htpasswd: string; readonly login: string }) {
    this.#directory = mkdtempSync(`${tmpdir()}/clusterip-registry-`);
    writeFileSync(`${this.#directory}/users`, `${users?.htpasswd ?? ''}\n`);
    const auth = users === undefined ? '' : `auth: { htpasswd: { realm: test, path: ${this.#directory}/users } }\n`;
    writeFileSync(
      `${this.#directory}/config.yml`,
      `version: 0.1\nlog: { level: info }\nstorage: { filesystem: { rootdirectory: ${this.#directory}/data } }\n` +
        `http: { addr: "127.0.0.1:0" }\n${auth}`,
    );
    this.#process = spawn(PROGRAM, ['serve', `${this.#directory}/config.yml`], { stdio: ['ignore', 'ignore', 'pipe'] });
    this.#authorization = users === undefined ? undefined : `Basic ${Buffer.from(users.login).toString('base64')}`;
    this.#port = portOf(this.#process);
    this.#port.catch(() => {});
  }

  /** `127.0.0.1:<port>`, once it listens. */
  async host(): Promise<string> {
    return `127.0.0.1:${await this.#port}`;
  }

  async push(image: TestImage, repository: string, tag: string): Promise<void> {
    for (const [digest, bytes] of image.blobs)
      if (digest !== image.manifest) await this.#pushBlob(repository, digest, bytes);
    const manifest = image.blobs.get(image.manifest) ?? Buffer.alloc(0);
    await this.pushManifest(repository, tag, manifest, OCI_MANIFEST);
  }

  async pushManifest(repository: string, tag: string, bytes: Uint8Array, mediaType: string): Promise<void> {
    await this.#send('PUT', `/v2/${repository}/manifests/${tag}`, bytes, mediaType);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#process.exitCode === null && this.#process.signalCode === null) {
      const ended = once(this.#process, 'exit');
      this.#process.kill('SIGKILL');
      await ended;
    }
    rmSync(this.#directory, { recursive: true, force: true });
  }

  /** Where the registry keeps a blob, to be spoilt. */
  blobFile(digest: string): string {
    const hex = digest.slice('sha256:'.length);
    return `${this.#directory}/data/docker/registry/v2/blobs/sha256/${hex.slice(0, 2)}/${hex}/data`;
  }

  async #pushBlob(repository: string, digest: string, bytes: Uint8Array): Promise<void> {
    const location = await this.#send('POST', `/v2/${repository}/blobs/uploads/`);
    const url = new URL(location);
    url.searchParams.set('digest', digest);
    await this.#send('PUT', `${url.pathname}${url.search}`, bytes, 'application/octet-stream');
  }

  async #send(method: string, path: string, body?: Uint8Array, type?: string): Promise<string> {
    const headers = {
      ...(type === undefined ? {} : { 'content-type': type }),
      'content-length': body?.length ?? 0,
      ...(this.#authorization === undefined ? {} : { authorization: this.#authorization }),
    };
    const socket = await connectFromHost('127.0.0.1', await this.#port, new AbortController().signal);
    const call = request({
      method,
      path,
      headers: { ...headers, connection: 'close' },
      createConnection: () => socket,
    });
    call.end(body);
    const [response] = (await once(call, 'response')) as [IncomingMessage];
    response.resume();
    await once(response, 'end');
    const status = response.statusCode ?? 0;
    if (status >= 300) throw new Error(`${method} ${path}: ${status}`);
    return response.headers.location ?? '';
  }
}

/** What it says in its log. */
function portOf(child: ChildProcess): Promise<number> {
  return new Promise((resolve, reject) => {
    let log = '';
    child.stderr?.on('data', (chunk: Buffer) => {
      log += chunk.toString();
      const port = /listening on 127\.0\.0\.1:(\d+)/.exec(log)?.[1];
      if (port !== undefined) resolve(Number(port));
    });
    child.once('error', reject);
    child.once('exit', () => reject(new Error(`Cannot start the registry: ${log}`)));
  });
}
