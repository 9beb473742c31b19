import { CodedError, errorMessage } from '#base/errors.ts';
import { parseIp } from '#base/ip.ts';
import { parseCorefile } from '#dns/corefile/corefile.ts';
import { readServers } from '#dns/corefile/servers.ts';
import type { ServerConfig } from '#dns/corefile/server-config.ts';
import { oneOf, text, wholeNumber } from './options.ts';
import { bothGiven, usageError } from './usage-error.ts';

export const DNS_OPTIONS = {
  kubeconfig: 'string',
  context: 'string',
  corefile: 'string',
  config: 'string',
  listen: 'string',
  zone: 'string',
  upstream: 'string',
  pods: 'string',
  ttl: 'string',
  autopath: 'boolean',
  monitor: 'string',
  check: 'boolean',
} as const;

export type DnsOptions = { readonly [K in keyof typeof DNS_OPTIONS]?: string | boolean };

const POD_MODES = ['disabled', 'insecure', 'verified'] as const;

/** Those that say what a Corefile would. */
const SETTINGS = ['listen', 'zone', 'upstream', 'pods', 'ttl', 'autopath', 'monitor'] as const;

/** The file that says everything; undefined when the options do. @throws CodedError `EUSAGE` when both do. */
export function corefileOf(options: DnsOptions): string | undefined {
  if (options.corefile !== undefined && options.config !== undefined) throw bothGiven('corefile', 'config');
  const file = text(options.corefile) ?? text(options.config);
  const said = SETTINGS.find((name) => options[name] !== undefined);
  if (file !== undefined && said !== undefined) {
    throw new CodedError('EUSAGE', `Cannot use --${said} with --corefile: the file says it all`, {
      hint: 'write it into the file',
    });
  }
  return file;
}

/** A configuration of options is the Corefile that one would write for them. @throws CodedError `EUSAGE` */
export function serversOf(options: DnsOptions): readonly ServerConfig[] {
  const corefile = corefileText(options);
  try {
    return readServers(parseCorefile({ file: 'options', text: corefile }));
  } catch (error) {
    // The lines of a file that nobody wrote say nothing to the user.
    throw usageError(errorMessage(error).replace(/^Cannot use "options", line \d+/, 'Cannot use the options'), error);
  }
}

export function corefileText(options: DnsOptions): string {
  const { host, port } = listenAddress(text(options.listen) ?? ':53');
  const pods = oneOf('pods', options.pods, POD_MODES, options.autopath === true ? 'verified' : 'insecure');
  const ttl = wholeNumber('ttl', options.ttl) ?? 5;
  const monitor = text(options.monitor);
  return [
    `.:${port} {`,
    '  errors',
    ...(host === '' ? [] : [`  bind ${host}`]),
    ...(monitor === undefined ? [] : [`  health ${monitor} {`, '    lameduck 5s', '  }']),
    ...(monitor === undefined ? [] : [`  ready ${monitor}`, `  prometheus ${monitor}`]),
    ...(options.autopath === true ? ['  autopath @kubernetes'] : []),
    `  kubernetes ${text(options.zone) ?? 'cluster.local'} in-addr.arpa ip6.arpa {`,
    `    pods ${pods}`,
    `    ttl ${ttl}`,
    '    fallthrough in-addr.arpa ip6.arpa',
    '  }',
    `  forward . ${(text(options.upstream) ?? '/etc/resolv.conf').replaceAll(',', ' ')} {`,
    '    policy sequential',
    '    max_concurrent 1000',
    '  }',
    '  cache',
    '  loop',
    '  loadbalance',
    '}',
    '',
  ].join('\n');
}

/** `10.0.0.1:53`, `[::1]:53`, either without a port, or `:53`. */
function listenAddress(address: string): { readonly host: string; readonly port: string } {
  const [, bracketed, plain = '', port = '53'] = /^(?:\[([^\]]*)\]|([^:]*))(?::(\d+))?$/.exec(address) ?? [];
  const host = bracketed ?? plain;
  const isAddress = host === '' ? address.startsWith(':') && address !== ':' : parseIp(host) !== undefined;
  if (isAddress && Number(port) <= 65_535) return { host, port };
  throw usageError(`Cannot use --listen ${JSON.stringify(address)}: it must be an address and a port, as 127.0.0.1:53`);
}
