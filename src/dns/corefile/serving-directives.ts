import { parseIp } from '#base/ip.ts';
import type { WireName } from '../name.ts';
import { argumentsOf, duration, listenAddress, unknownProperty, zonesOf, zonesOrBlock } from './arguments.ts';
import type { Directive, Line } from './corefile.ts';
import { corefileError } from './place.ts';
import type { AutopathConfig, HealthConfig, ListenConfig, LogConfig, ReloadConfig } from './server-config.ts';

export function readHealth(directive: Directive): HealthConfig {
  const [address = ''] = argumentsOf(directive, 0, 1);
  let lameduckMs = 0;
  for (const line of directive.block ?? []) {
    if (line.name !== 'lameduck') throw unknownProperty(line, 'health', ['lameduck']);
    lameduckMs = duration(line, argumentsOf(line, 1)[0] ?? '');
  }
  return { ...listenAddress(directive, address, 8080), lameduckMs };
}

export function readReady(directive: Directive): ListenConfig {
  const [address = ''] = argumentsOf(directive, 0, 1);
  // It is always looked at anew, which CoreDNS calls `monitor continuously`.
  for (const line of directive.block ?? [])
    if (line.name !== 'monitor') throw unknownProperty(line, 'ready', ['monitor']);
  return listenAddress(directive, address, 8181);
}

/** The addresses of an interface of this machine; undefined where there is none of that name. */
export type InterfaceAddresses = (name: string) => readonly string[] | undefined;

/** Addresses, and interfaces for all of theirs, without those that `except` names. */
export function readBind(directive: Directive, interfaceAddresses: InterfaceAddresses): readonly string[] {
  const addresses = (line: Line): readonly string[] =>
    argumentsOf(line, 1, Number.POSITIVE_INFINITY).flatMap((arg) => {
      if (arg === 'localhost' || parseIp(arg) !== undefined) return [arg];
      const found = interfaceAddresses(arg);
      if (found !== undefined) return found;
      throw corefileError(line, `"${arg}" is neither an address nor an interface of this machine that is up`);
    });
  const except = (directive.block ?? []).flatMap((line) => {
    if (line.name !== 'except') throw unknownProperty(line, 'bind', ['except']);
    return addresses(line);
  });
  const bound = addresses(directive).filter((address) => !except.includes(address));
  if (bound.length === 0) throw corefileError(directive, 'bind leaves no address to listen on');
  return bound;
}

/** Addresses take turns, whatever is said: so what would say otherwise is refused. */
export function checkLoadBalance(directive: Directive): void {
  const [policy = 'round_robin'] = directive.args;
  const [line] = directive.block ?? [];
  if (line !== undefined && policy === 'round_robin') {
    throw corefileError(line, `loadbalance cannot "${line.name}": addresses take turns`, 'take it out');
  }
  if (policy === 'round_robin') return;
  throw corefileError(directive, `loadbalance cannot be "${policy}": it is round_robin`, 'take it out');
}

export function readPrometheus(directive: Directive): ListenConfig {
  const [address = 'localhost'] = argumentsOf(directive, 0, 1);
  return listenAddress(directive, address, 9153);
}

/** CoreDNS's interval and its bounds; the jitter is for files that many read, and a ConfigMap is each Pod's own. */
export function readReload(directive: Directive): ReloadConfig {
  const [interval = '30s', jitter] = argumentsOf(directive, 0, 2);
  if (jitter !== undefined) duration(directive, jitter);
  return { intervalMs: Math.max(2000, duration(directive, interval)) };
}

/** `autopath [ZONE ...] @kubernetes` */
export function readAutopath(directive: Directive, block: readonly WireName[]): AutopathConfig {
  if (directive.args.at(-1) !== '@kubernetes') {
    throw corefileError(directive, 'autopath goes by the Pods only', 'write it like: autopath @kubernetes');
  }
  return { zones: zonesOrBlock(directive, directive.args.slice(0, -1), block) };
}

const CLASSES = ['all', 'success', 'denial', 'error'] as const;

export function readLog(directive: Directive, block: readonly WireName[]): LogConfig {
  const format = directive.args.find((arg) => arg.includes('{'));
  if (format !== undefined && format !== '{common}' && format !== '{combined}') {
    throw corefileError(directive, `the log format "${format}" is not supported: {common} and {combined} are`);
  }
  const names = directive.args.filter((arg) => arg !== format);
  const classes: (typeof CLASSES)[number][] = [];
  for (const line of directive.block ?? []) {
    if (line.name !== 'class') throw unknownProperty(line, 'log', ['class']);
    for (const arg of argumentsOf(line, 1, Number.POSITIVE_INFINITY)) {
      const found = CLASSES.find((known) => known === arg);
      if (found === undefined) throw corefileError(line, `"${arg}" is no class: ${CLASSES.join(', ')} are`);
      classes.push(found);
    }
  }
  return {
    zones: names.length === 0 ? block : names.flatMap((name) => zonesOf(directive, name)),
    format: format === '{combined}' ? 'combined' : 'common',
    classes: classes.length === 0 ? ['all'] : classes,
  };
}
