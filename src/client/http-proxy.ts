import { cidrContains, parseCidr } from '#base/cidr.ts';
import { CodedError } from '#base/errors.ts';
import { parseIp } from '#base/ip.ts';
import { isHttpUrl, type Connection } from './kubeconfig.ts';

/**
 * The connection by way of the environment's proxy, unless the kubeconfig names one of its own or NO_PROXY the server. As in
 * Go programs, nothing goes to the loopback by way of a proxy. @throws CodedError `EPROXY` where it is none of HTTP.
 */
export function throughProxyOf(env: NodeJS.ProcessEnv, connection: Connection): Connection {
  const server = new URL(connection.server);
  const either = (name: string): string => env[name] || env[name.toLowerCase()] || '';
  const variable = server.protocol === 'https:' ? 'HTTPS_PROXY' : 'HTTP_PROXY';
  const said = either(variable);
  if (connection.proxyUrl !== undefined || said === '' || isExcepted(server, either('NO_PROXY'))) return connection;
  const proxyUrl = said.includes('://') ? said : `http://${said}`;
  if (isHttpUrl(proxyUrl)) return { ...connection, proxyUrl };
  const message = `Cannot go through the proxy that ${variable} names: it must be a URL of http or https`;
  throw new CodedError('EPROXY', message, { hint: 'name another, or the API server in NO_PROXY' });
}

/** As golang.org/x/net/http/httpproxy reads NO_PROXY: ranges, addresses, domains, each with or without a port; `*` is all. */
function isExcepted(server: URL, list: string): boolean {
  const host = server.hostname.replace(/^\[(.*)\]$/, '$1');
  if (host === 'localhost' || host === '::1' || host.startsWith('127.')) return true;
  const port = server.port === '' ? (server.protocol === 'https:' ? '443' : '80') : server.port;
  const ip = parseIp(host);
  return list
    .split(',')
    .map((entry) => entry.trim())
    .some((entry) => {
      if (entry === '' || entry === '*') return entry === '*';
      const range = parseCidr(entry);
      if (range !== undefined) return ip !== undefined && cidrContains(range, ip);
      const [, name = entry, ofPort = port] =
        /^(.*?)(?::(\d+))?$/.exec(parseIp(entry) === undefined ? entry : '') ?? [];
      if (ofPort !== port) return false;
      const bare = (name || entry).replace(/^\[(.*)\]$/, '$1').toLowerCase();
      if (ip !== undefined) return bare === host;
      const domain = bare.replace(/^\*?\./, '');
      return host.endsWith(`.${domain}`) || (domain === bare && host === domain);
    });
}
