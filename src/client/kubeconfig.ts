import { existsSync, readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, resolve } from 'node:path';
import type * as Yaml from 'yaml';
import { CodedError, errorMessage } from '#base/errors.ts';

/** PEM, or what reads it: a file is replaced while we run. */
export type Pem = string | (() => string);

/** Where a cluster is and how to prove who we are. Whatever is a function is called for each request. */
export interface Connection {
  /** `https://127.0.0.1:6443`, without a slash at the end. */
  readonly server: string;
  readonly ca?: Pem | undefined;
  readonly cert?: Pem | undefined;
  readonly key?: Pem | undefined;
  readonly token?: (() => string) | undefined;
  readonly insecureSkipTlsVerify: boolean;
  /** The name that the server's certificate has to be for, where it is not that of the URL. */
  readonly tlsServerName?: string | undefined;
  /** Of an HTTP proxy on the way: `http://user:secret@proxy:3128`. */
  readonly proxyUrl?: string | undefined;
  readonly namespace: string;
}

type Fields = Readonly<Record<string, unknown>>;

/** @throws CodedError `EKUBECONFIG` naming what is missing or cannot be used. */
export function readConnection(file: string, contextName?: string): Connection {
  const config = readYaml(file);
  const name = contextName ?? text(config['current-context']);
  if (name === undefined || name === '') throw broken(file, 'it names no current context');
  const context = named(file, config, 'contexts', name, 'context');
  const cluster = named(file, config, 'clusters', text(context['cluster']) ?? '', 'cluster');
  const user = named(file, config, 'users', text(context['user']) ?? '', 'user');
  const said = text(cluster['server']);
  if (said === undefined) throw broken(file, `the cluster of context "${name}" has no server`);
  if (user['exec'] !== undefined || user['auth-provider'] !== undefined) {
    throw broken(file, `the user of context "${name}" runs a program to log in, which is not supported`);
  }
  if (['as', 'as-uid', 'as-groups', 'as-user-extra'].some((key) => user[key] !== undefined)) {
    throw broken(file, `the user of context "${name}" acts as another, which is not supported`);
  }
  const pem = (fields: Fields, key: string): Pem | undefined => pemOf(file, fields, key);
  const ca = pem(cluster, 'certificate-authority');
  const cert = pem(user, 'client-certificate');
  const insecureSkipTlsVerify = cluster['insecure-skip-tls-verify'] === true;
  const server = serverUrl(said, insecureSkipTlsVerify || (ca ?? cert) !== undefined);
  if (server === undefined)
    throw broken(file, `the cluster of context "${name}" has the server "${said}", which is no URL`);
  return {
    server,
    ca,
    cert,
    key: pem(user, 'client-key'),
    token: tokenOf(file, user),
    insecureSkipTlsVerify,
    tlsServerName: text(cluster['tls-server-name']),
    proxyUrl: proxyOf(file, name, text(cluster['proxy-url'])),
    namespace: text(context['namespace']) ?? 'default',
  };
}

/** As Kubernetes' own clients read it: a host may come alone, and is asked in the clear where nothing is said of TLS. */
function serverUrl(text: string, secure: boolean): string | undefined {
  const url = text.includes('://') ? text : `${secure ? 'https' : 'http'}://${text}`;
  return URL.canParse(url) ? url.replace(/\/+$/, '') : undefined;
}

/** The URL may hold a password: no error repeats it. */
function proxyOf(file: string, context: string, url: string | undefined): string | undefined {
  if (url === undefined || url === '') return undefined;
  if (isHttpUrl(url)) return url;
  const what = `the proxy-url of the cluster of context "${context}"`;
  throw broken(file, `${what} is not supported: it must be a URL of http or https`);
}

export function isHttpUrl(text: string): boolean {
  return URL.canParse(text) && /^https?:$/.test(new URL(text).protocol);
}

const SERVICE_ACCOUNT_DIR = '/var/run/secrets/kubernetes.io/serviceaccount';

/**
 * From inside a Pod, by its service account; undefined elsewhere.
 * @throws CodedError `ENOACCOUNT` where the account is not mounted.
 */
export function inClusterConnection(env: NodeJS.ProcessEnv, dir: string = SERVICE_ACCOUNT_DIR): Connection | undefined {
  const host = env['KUBERNETES_SERVICE_HOST'] ?? '';
  const port = env['KUBERNETES_SERVICE_PORT'] ?? '';
  if (host === '' || port === '') return undefined;
  const token = (): string => readFileSync(`${dir}/token`, 'utf8').trim();
  try {
    token();
    return {
      server: `https://${host.includes(':') ? `[${host}]` : host}:${port}`,
      ca: pemFile(`${dir}/ca.crt`),
      token,
      insecureSkipTlsVerify: false,
      namespace: existsSync(`${dir}/namespace`) ? readFileSync(`${dir}/namespace`, 'utf8').trim() : 'default',
    };
  } catch (error) {
    throw new CodedError('ENOACCOUNT', `Cannot use the account of this Pod: ${errorMessage(error)}`, {
      hint: 'let the Pod have the token of a service account, or name a kubeconfig',
      cause: error,
    });
  }
}

function readYaml(file: string): Fields {
  let value: unknown;
  try {
    value = parseYaml(readFileSync(file, 'utf8'));
  } catch (error) {
    throw broken(file, errorMessage(error).split('\n')[0] ?? '');
  }
  if (typeof value !== 'object' || value === null) throw broken(file, 'it is not a kubeconfig');
  return value as Fields;
}

/** YAML's parser is 14 MB of memory: not for a Pod, which has no file, nor for JSON, which is YAML too. */
function parseYaml(content: string): unknown {
  try {
    return JSON.parse(content);
  } catch {
    const { parse } = createRequire(import.meta.url)('yaml') as typeof Yaml;
    return parse(content);
  }
}

function named(file: string, config: Fields, list: string, name: string, field: string): Fields {
  const entries = config[list];
  const entry = Array.isArray(entries)
    ? (entries as Fields[]).find((candidate) => candidate['name'] === name)
    : undefined;
  const value = entry?.[field];
  if (typeof value !== 'object' || value === null) throw broken(file, `it has no ${field} "${name}"`);
  return value as Fields;
}

/** Inline as base64 under `<key>-data`, or a path, which counts from the kubeconfig's own directory. */
function pemOf(file: string, fields: Fields, key: string): Pem | undefined {
  const inline = text(fields[`${key}-data`]);
  if (inline !== undefined) return Buffer.from(inline, 'base64').toString('utf8');
  const path = text(fields[key]);
  if (path === undefined) return undefined;
  try {
    return pemFile(resolve(dirname(file), path));
  } catch (error) {
    throw broken(file, errorMessage(error));
  }
}

/** @throws where it cannot be read now, rather than when it is needed. */
function pemFile(path: string): Pem {
  const read = (): string => readFileSync(path, 'utf8');
  read();
  return read;
}

function tokenOf(file: string, user: Fields): (() => string) | undefined {
  const token = text(user['token']);
  if (token !== undefined) return () => token;
  const path = text(user['tokenFile']);
  if (path === undefined) return undefined;
  return () => readFileSync(resolve(dirname(file), path), 'utf8').trim();
}

function text(value: unknown): string | undefined {
  return typeof value === 'string' ? value : undefined;
}

function broken(file: string, why: string): CodedError {
  return new CodedError('EKUBECONFIG', `Cannot use the kubeconfig "${file}": ${why}`, {
    hint: 'repair it, or name another with --kubeconfig',
  });
}
