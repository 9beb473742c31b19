import type { WireName } from '../name.ts';
import { argumentsOf, duration, fallthroughZones, wholeNumber, zonesOrBlock } from './arguments.ts';
import type { Directive, Line } from './corefile.ts';
import { corefileError } from './place.ts';
import { parseIp } from '#base/ip.ts';
import type { HostsConfig } from './server-config.ts';

type Draft = { -readonly [K in keyof HostsConfig]: HostsConfig[K] };

export function readHosts(directive: Directive, block: readonly WireName[]): HostsConfig {
  const [file, ...zones] = directive.args;
  const inline: string[] = [];
  const draft: Draft = {
    file: file ?? (directive.block?.some(isEntry) === true ? undefined : '/etc/hosts'),
    inline,
    zones: zonesOrBlock(directive, zones, block),
    ttl: 3600,
    reverse: true,
    reloadMs: 5000,
    fallthrough: [],
  };
  for (const line of directive.block ?? []) {
    if (isEntry(line)) inline.push([line.name, ...argumentsOf(line, 1, Number.POSITIVE_INFINITY)].join(' '));
    else readProperty(draft, line);
  }
  return Object.freeze(draft);
}

const isEntry = ({ name }: Line): boolean => parseIp(name) !== undefined;

function readProperty(draft: Draft, line: Line): void {
  switch (line.name) {
    case 'ttl':
      draft.ttl = wholeNumber(line, argumentsOf(line, 1)[0] ?? '', 1, 65_535);
      return;
    case 'no_reverse':
      draft.reverse = false;
      return;
    case 'reload':
      draft.reloadMs = duration(line, argumentsOf(line, 1)[0] ?? '');
      return;
    case 'fallthrough':
      draft.fallthrough = fallthroughZones(line);
      return;
    default:
      throw corefileError(
        line,
        `"${line.name}" is neither an address nor a property of hosts: there is ttl, no_reverse, reload, fallthrough`,
      );
  }
}
