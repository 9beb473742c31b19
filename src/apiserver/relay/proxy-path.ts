/** What a request below `/proxy` is for, and what of its path is the backend's. */
export interface ProxyPath {
  readonly plural: 'pods' | 'services' | 'nodes';
  readonly namespace: string;
  readonly scheme: 'http' | 'https' | '';
  readonly name: string;
  readonly port: string;
  /** As it came, `%` and all; empty where the request ends with `/proxy`. */
  readonly path: string;
  /** What the backend's own absolute paths begin with for the client. */
  readonly prefix: string;
}

const PATH = /^(\/api\/v1\/(?:namespaces\/([^/]+)\/(pods|services)|(nodes))\/([^/]+)\/proxy)(\/.*)?$/;

/** Of a path without its query, the one that was authorized. */
export function parseProxyPath(path: string): ProxyPath | undefined {
  const found = PATH.exec(path);
  if (found === null) return undefined;
  const [, prefix = '', namespace = '', plural = 'nodes', , target = '', rest = ''] = found;
  const parts = splitTarget(decode(target));
  if (parts === undefined) return undefined;
  return { plural: plural as ProxyPath['plural'], namespace: decode(namespace), ...parts, path: rest, prefix };
}

/** `name`, `name:port`, `scheme:name:port`; the port may be empty where there is a scheme. */
function splitTarget(text: string): Pick<ProxyPath, 'scheme' | 'name' | 'port'> | undefined {
  const parts = text.split(':');
  const [scheme = '', name = '', port = ''] = parts.length === 3 ? parts : ['', ...parts];
  if (parts.length > 3 || name === '' || (scheme !== '' && scheme !== 'http' && scheme !== 'https')) return undefined;
  return { scheme, name, port };
}

function decode(segment: string): string {
  try {
    return decodeURIComponent(segment);
  } catch {
    return segment;
  }
}
