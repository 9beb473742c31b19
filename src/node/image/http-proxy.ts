/** A proxy that stands between us and a server. */
export interface HttpProxy {
  readonly url: URL;
  /** For it, not for the server. */
  readonly authorization: string | undefined;
}

/**
 * The one that the environment names for a URL, by the rules that Go has (x/net/http/httpproxy), as every other client of
 * registries: the variables in capitals or not, none for the loopback nor for what NO_PROXY names.
 */
export function proxyFor(target: URL, env: Readonly<Record<string, string | undefined>>): HttpProxy | undefined {
  const value = (name: string): string => env[name] || env[name.toLowerCase()] || '';
  const text = value(target.protocol === 'https:' ? 'HTTPS_PROXY' : 'HTTP_PROXY');
  if (text === '' || isExempt(target, value('NO_PROXY'))) return undefined;
  const url = URL.parse(/^\w+:\/\//.test(text) ? text : `http://${text}`);
  if (url === null || (url.protocol !== 'http:' && url.protocol !== 'https:')) return undefined;
  const user = `${decodeURIComponent(url.username)}:${decodeURIComponent(url.password)}`;
  return { url, authorization: user === ':' ? undefined : `Basic ${Buffer.from(user).toString('base64')}` };
}

/** An entry is a host, with all below it where it is a name; `*` is all. With a port it is for that port only. */
function isExempt(target: URL, list: string): boolean {
  const host = target.hostname.replaceAll(/[[\]]/g, '').toLowerCase();
  if (host === 'localhost' || host === '::1' || host.startsWith('127.')) return true;
  const port = target.port || (target.protocol === 'https:' ? '443' : '80');
  return list
    .split(',')
    .map((entry) => entry.trim().toLowerCase())
    .some((entry) => {
      if (entry === '') return false;
      if (entry === '*') return true;
      const [, name = '', wanted = port] = /^(.*?)(?::(\d+))?$/.exec(entry) ?? [];
      const domain = name.replace(/^\*?\./, '');
      // With a dot before it the domain itself is not meant.
      const itself = domain === name && host === domain;
      return wanted === port && (itself || host.endsWith(`.${domain}`));
    });
}
