import { CodedError } from '#base/errors.ts';
import { parseCorefile } from '#dns/corefile/corefile.ts';
import { readServers } from '#dns/corefile/servers.ts';
import { type ServerConfig } from '#dns/corefile/server-config.ts';
import { text } from './options.ts';

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

/** Those that say what a Corefile would. */
const SETTINGS = ['listen', 'zone', 'upstream', 'pods', 'ttl', 'autopath', 'monitor'] as const;

/** The file that says everything; undefined when the options do. @throws CodedError `EUSAGE` when both do. */
export function corefileOf(options: DnsOptions): string | undefined {
  const file = text(options.corefile) ?? text(options.config);
  const said = SETTINGS.find((name) => options[name] !== undefined);
  if (file !== undefined && said !== undefined) {
    throw new CodedError('EUSAGE', `Cannot use --${said} with --corefile: the file says it all`, {
      hint: 'write it into the file',
    });
  }
  return file;
}

/** A configuration of options is the Corefile that one would write for them. */
export function serversOf(options: DnsOptions): readonly ServerConfig[] {
  return readServers(parseCorefile({ file: 'options', text: corefileText(options) }));
}

export function corefileText(options: DnsOptions): string {
  const { host, port } = splitAddress(text(options.listen) ?? ':53');
  const pods = text(options.pods) ?? (options.autopath === true ? 'verified' : 'insecure');
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
    `    ttl ${text(options.ttl) ?? '5'}`,
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

function splitAddress(address: string): { readonly host: string; readonly port: string } {
  const [, bracketed, plain = '', port = '53'] = /^(?:\[([^\]]*)\]|([^:]*))(?::(\d+))?$/.exec(address) ?? [];
  return { host: bracketed ?? plain, port };
}
