import { createHash } from 'node:crypto';
import type { IncomingMessage } from 'node:http';
import { CodedError } from '#base/errors.ts';
import type { Credentials } from './credentials.ts';
import { httpGet, readText } from './http-agent.ts';
import { type Descriptor, type ImageManifest, ImageFormatError, MANIFEST_TYPES, parseManifest } from './manifest.ts';
import { type ImageReference, registryUrl } from './reference.ts';

/** The registry refused. */
export class RegistryError extends CodedError {
  readonly status: number;

  constructor(status: number, message: string) {
    super('ERR_REGISTRY', message);
    this.name = 'RegistryError';
    this.status = status;
  }
}

/** One repository of a registry, as one user sees it. */
export class Repository {
  readonly #reference: ImageReference;
  readonly #endpoint: string;
  readonly #credentials: Credentials | undefined;
  readonly #signal: AbortSignal;
  /** How the registry wanted it the last time. */
  #authorization: string | undefined;

  /** `endpoint` is the registry itself, or what stands in for it: `https://mirror.example.com`. */
  constructor(
    reference: ImageReference,
    credentials: Credentials | undefined,
    signal: AbortSignal,
    endpoint: string = registryUrl(reference.registry),
  ) {
    this.#reference = reference;
    this.#endpoint = endpoint.replace(/\/$/, '');
    this.#credentials = credentials;
    this.#signal = signal;
  }

  /** The manifest for `architecture`, and the digest by which the image is known: that of the index, if there is one. */
  async manifest(architecture: string): Promise<{ readonly manifest: ImageManifest; readonly digest: string }> {
    const { tag, digest } = this.#reference;
    const top = await this.#manifestText(digest ?? tag ?? 'latest', digest);
    const known = sha256(top);
    const parsed = parseManifest(top, architecture);
    if (parsed.kind === 'manifest') return { manifest: parsed.manifest, digest: known };
    const { chosen } = parsed;
    const inner = parseManifest(await this.#manifestText(chosen.digest, chosen.digest), architecture);
    if (inner.kind === 'index') throw new ImageFormatError('an index in an index is not supported');
    return { manifest: inner.manifest, digest: known };
  }

  async text(descriptor: Descriptor): Promise<string> {
    const text = await readText(await this.blob(descriptor, 0));
    verify(text, descriptor.digest);
    return text;
  }

  /** The bytes of a blob from `offset` on, when the registry can do so; `statusCode` 200 means all of them. */
  async blob({ digest }: Descriptor, offset: number): Promise<IncomingMessage> {
    return this.#get(`blobs/${digest}`, offset > 0 ? { range: `bytes=${offset}-` } : {});
  }

  async #manifestText(name: string, digest: string | undefined): Promise<string> {
    const text = await readText(await this.#get(`manifests/${name}`, { accept: MANIFEST_TYPES.join(', ') }));
    if (digest !== undefined) verify(text, digest);
    return text;
  }

  async #get(path: string, headers: Readonly<Record<string, string>>): Promise<IncomingMessage> {
    const url = `${this.#endpoint}/v2/${this.#reference.repository}/${path}`;
    const send = (): Promise<IncomingMessage> =>
      httpGet({
        url,
        headers: { ...headers, ...(this.#authorization === undefined ? {} : { authorization: this.#authorization }) },
        signal: this.#signal,
      });
    let response = await send();
    if (response.statusCode === 401) {
      const challenge = response.headers['www-authenticate'] ?? '';
      response.destroy();
      this.#authorization = await this.#authorize(challenge);
      if (this.#authorization !== undefined) response = await send();
    }
    const status = response.statusCode ?? 0;
    if (status === 200 || status === 206) return response;
    throw new RegistryError(status, refusal(url, status, await readText(response).catch(() => '')));
  }

  async #authorize(challenge: string): Promise<string | undefined> {
    const basic =
      this.#credentials === undefined
        ? undefined
        : `Basic ${Buffer.from(`${this.#credentials.username}:${this.#credentials.password}`).toString('base64')}`;
    if (/^basic\b/i.test(challenge)) return basic;
    const { realm, service, scope } = parameters(challenge);
    if (realm === undefined) return undefined;
    const url = new URL(realm);
    if (service !== undefined) url.searchParams.set('service', service);
    url.searchParams.set('scope', scope ?? `repository:${this.#reference.repository}:pull`);
    const headers = basic === undefined ? {} : { authorization: basic };
    const response = await httpGet({ url: url.href, headers, signal: this.#signal });
    const text = await readText(response);
    if (response.statusCode !== 200) {
      throw new RegistryError(
        response.statusCode ?? 0,
        `failed to authorize: failed to fetch token: ${refusal(realm, response.statusCode ?? 0, text)}`,
      );
    }
    const answer = JSON.parse(text) as { readonly token?: string; readonly access_token?: string };
    return `Bearer ${answer.token ?? answer.access_token ?? ''}`;
  }
}

function parameters(challenge: string): Readonly<Record<string, string | undefined>> {
  return Object.fromEntries(
    [...challenge.matchAll(/(\w+)="([^"]*)"/g)].map(([, name = '', value = '']) => [name, value]),
  );
}

function refusal(url: string, status: number, body: string): string {
  let detail = '';
  try {
    const { errors = [] } = JSON.parse(body) as { readonly errors?: readonly { code?: string; message?: string }[] };
    detail = errors
      .map(({ code = '', message = '' }) => `: ${code.toLowerCase().replaceAll('_', ' ')}: ${message}`)
      .join('');
  } catch {
    // Not every server answers as a registry does.
  }
  const known: Readonly<Record<number, string>> = { 401: 'unauthorized', 403: 'forbidden', 404: 'not found' };
  return `unexpected status from GET ${url}: ${status} ${known[status] ?? ''}`.trimEnd() + detail;
}

export function sha256(bytes: string | Uint8Array): string {
  return `sha256:${createHash('sha256').update(bytes).digest('hex')}`;
}

function verify(text: string, digest: string): void {
  const found = sha256(text);
  if (found !== digest) throw new ImageFormatError(`digest does not match: ${digest} was asked for, ${found} came`);
}
