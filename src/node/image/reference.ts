import { CodedError } from '#base/errors.ts';

/** The name of an image, with nothing left out. */
export interface ImageReference {
  /** `docker.io`, `localhost:5000`. */
  readonly registry: string;
  /** `library/nginx`. */
  readonly repository: string;
  /** Absent when only a digest was given. */
  readonly tag: string | undefined;
  readonly digest: string | undefined;
}

/** Code InvalidImageName. */
export class ImageNameError extends CodedError {
  constructor(image: string, why: string = '') {
    super('InvalidImageName', `couldn't parse image name ${JSON.stringify(image)}: invalid reference format${why}`);
    this.name = 'ImageNameError';
  }
}

const REPOSITORY = /^[a-z0-9]+(?:(?:\.|_|__|-+)[a-z0-9]+)*(?:\/[a-z0-9]+(?:(?:\.|_|__|-+)[a-z0-9]+)*)*$/;
const REGISTRY = /^(?:[A-Za-z0-9](?:[A-Za-z0-9.-]*[A-Za-z0-9])?|\[[0-9a-fA-F:]+\])(?::\d+)?$/;
const TAG = /^\w[\w.-]{0,127}$/;
const DIGEST = /^sha256:[0-9a-f]{64}$/;

/** `nginx` is `docker.io/library/nginx:latest`. */
export function parseReference(image: string): ImageReference {
  const [named = '', digest, ...more] = image.split('@');
  const { registry, rest } = splitRegistry(named);
  const colon = rest.lastIndexOf(':');
  const path = colon < 0 ? rest : rest.slice(0, colon);
  const repository = registry === 'docker.io' && !path.includes('/') ? `library/${path}` : path;
  const tag = colon < 0 ? (digest === undefined ? 'latest' : undefined) : rest.slice(colon + 1);
  if (repository !== repository.toLowerCase() && REPOSITORY.test(repository.toLowerCase())) {
    throw new ImageNameError(image, `: repository name (${repository}) must be lowercase`);
  }
  const valid =
    REGISTRY.test(registry) &&
    REPOSITORY.test(repository) &&
    fits(tag, TAG) &&
    fits(digest, DIGEST) &&
    more.length === 0;
  if (!valid) throw new ImageNameError(image);
  return { registry, repository, tag, digest };
}

/** The first part is a registry when it could be no part of a repository's name, or is `localhost`. */
function splitRegistry(named: string): { readonly registry: string; readonly rest: string } {
  const slash = named.indexOf('/');
  const head = slash < 0 ? '' : named.slice(0, slash);
  if (head !== 'localhost' && !/[.:]/.test(head) && head === head.toLowerCase()) {
    return { registry: 'docker.io', rest: named };
  }
  return { registry: head === 'index.docker.io' ? 'docker.io' : head, rest: named.slice(slash + 1) };
}

function fits(text: string | undefined, pattern: RegExp): boolean {
  return text === undefined || pattern.test(text);
}

/** In full. What has the same text is the same image. */
export function formatReference({ registry, repository, tag, digest }: ImageReference): string {
  const suffix = `${tag === undefined ? '' : `:${tag}`}${digest === undefined ? '' : `@${digest}`}`;
  return `${registry}/${repository}${suffix}`;
}

/** Where the registry is spoken to. On the loopback nobody listens in, and registries there have no certificate. */
export function registryUrl(registry: string): string {
  if (registry === 'docker.io') return 'https://registry-1.docker.io';
  return `${isLoopback(registry) ? 'http' : 'https'}://${registry}`;
}

function isLoopback(registry: string): boolean {
  const host = registry.replace(/:\d+$/, '');
  return host === 'localhost' || host === '[::1]' || /^127(?:\.\d{1,3}){3}$/.test(host);
}
