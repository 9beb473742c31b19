import type { Secret } from '#api/generated/types.ts';
import type { ImageReference } from './reference.ts';

export interface Credentials {
  readonly username: string;
  readonly password: string;
}

interface AuthEntry {
  readonly username?: string;
  readonly password?: string;
  readonly auth?: string;
}

/** Of imagePullSecrets, in their order: all that are for the image's registry, the closest match of each first. */
export function credentialsFor(reference: ImageReference, secrets: readonly Secret[]): readonly Credentials[] {
  return secrets.flatMap((secret) => matching(reference, entriesOf(secret)));
}

/** The same, from a file as `docker login` writes it. */
export function credentialsInFile(reference: ImageReference, text: string): readonly Credentials[] {
  return matching(reference, new Map(Object.entries(decode(text)['auths'] ?? {})));
}

/** A program `docker-credential-<helper>`, and what it is asked for. */
export interface HelperCall {
  readonly helper: string;
  readonly server: string;
}

/** Docker knows its own registry by the address of an older time. */
const DOCKER_HUB = 'https://index.docker.io/v1/';

/** The registry's own helper (`credHelpers`), or that of all (`credsStore`). */
export function helperFor({ registry }: ImageReference, text: string): HelperCall | undefined {
  const { credHelpers = {}, credsStore } = decode(text) as {
    readonly credHelpers?: Readonly<Record<string, unknown>>;
    readonly credsStore?: unknown;
  };
  const server = registry === 'docker.io' ? DOCKER_HUB : registry;
  const helper = credHelpers[registry] ?? credHelpers[server] ?? credsStore;
  // It becomes a part of a program's name.
  return typeof helper === 'string' && /^[\w.-]+$/.test(helper) ? { helper, server } : undefined;
}

function matching(reference: ImageReference, entries: ReadonlyMap<string, AuthEntry>): readonly Credentials[] {
  return [...entries]
    .filter(([key]) => matches(key, reference))
    .sort(([a], [b]) => b.length - a.length)
    .flatMap(([, entry]) => credentialsOf(entry));
}

/** What is no JSON holds nothing. */
function decode(text: string): Readonly<Record<string, object | undefined>> {
  try {
    return JSON.parse(text) as Readonly<Record<string, object>>;
  } catch {
    return {};
  }
}

function entriesOf({ data = {} }: Secret): ReadonlyMap<string, AuthEntry> {
  const text = (key: string): string => Buffer.from(data[key] ?? '', 'base64').toString();
  const modern = decode(text('.dockerconfigjson'))['auths'] as Readonly<Record<string, AuthEntry>> | undefined;
  const old = decode(text('.dockercfg')) as Readonly<Record<string, AuthEntry>>;
  return new Map(Object.entries({ ...old, ...modern }));
}

/** A key is a host, with or without scheme, port and the beginning of a path; `*` stands for a part of the host. */
function matches(key: string, { registry, repository }: ImageReference): boolean {
  const [host = '', ...path] = key
    .replace(/^https?:\/\//, '')
    .replace(/\/$/, '')
    .split('/');
  if (registry === 'docker.io') {
    if (!['docker.io', 'index.docker.io', 'registry-1.docker.io'].includes(host)) return false;
    if (path.length === 0 || path[0] === 'v1' || path[0] === 'v2') return true;
  }
  const parts = host.split('.');
  const wanted = registry.split('.');
  const same =
    host === registry ||
    (parts.length === wanted.length && parts.every((part, index) => part === '*' || part === wanted[index]));
  if (registry !== 'docker.io' && !same) return false;
  return path.length === 0 || `${repository}/`.startsWith(`${path.join('/')}/`);
}

function credentialsOf({ username, password, auth }: AuthEntry): readonly Credentials[] {
  if (username !== undefined && password !== undefined) return [{ username, password }];
  const text = Buffer.from(auth ?? '', 'base64').toString();
  const colon = text.indexOf(':');
  return colon < 0 ? [] : [{ username: text.slice(0, colon), password: text.slice(colon + 1) }];
}
