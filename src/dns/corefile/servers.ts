import type { WireName } from '../name.ts';
import { listenAddress, zonesOf } from './arguments.ts';
import { readAcl } from './acl-directive.ts';
import { readCache } from './cache-directive.ts';
import type { Directive, ServerBlock } from './corefile.ts';
import { readForward } from './forward-directive.ts';
import { readHosts } from './hosts-directive.ts';
import { readKubernetes } from './kubernetes-directive.ts';
import { corefileError } from './place.ts';
import { readRewrites } from './rewrite-directive.ts';
import type { ServerConfig } from './server-config.ts';
import {
  checkLoadBalance,
  type InterfaceAddresses,
  readAutopath,
  readBind,
  readHealth,
  readLog,
  readPrometheus,
  readReady,
  readReload,
} from './serving-directives.ts';

import { readTemplate } from './template-directive.ts';

type Draft = { -readonly [K in keyof ServerConfig]: ServerConfig[K] };

/** What the blocks of a Corefile mean. @throws CodedError `ECOREFILE` naming the first line that cannot be followed. */
export function readServers(
  blocks: readonly ServerBlock[],
  interfaceAddresses: InterfaceAddresses = () => undefined,
): readonly ServerConfig[] {
  const servers = blocks.flatMap((block) => readBlock(block, interfaceAddresses));
  const seen = new Map<string, ServerConfig>();
  for (const server of servers) {
    for (const zone of server.zones) {
      const key = `${server.port} ${server.hosts.join(' ')} ${zone}`;
      const other = seen.get(key);
      if (other !== undefined) {
        throw corefileError(server, `the block of line ${other.line} is for the same zone and port`, 'merge the two');
      }
      seen.set(key, server);
    }
  }
  return servers;
}

const DEFAULT_PORT = 53;

/** One for each port that its keys name. */
function readBlock(block: ServerBlock, interfaceAddresses: InterfaceAddresses): readonly ServerConfig[] {
  const byPort = new Map<number, WireName[]>();
  for (const key of block.keys) {
    const { zones, port } = readKey(block, key);
    byPort.set(port, [...(byPort.get(port) ?? []), ...zones]);
  }
  return [...byPort].map(([port, zones]) => {
    const draft = emptyServer(block, zones, port);
    for (const directive of block.directives) readDirective(draft, directive, interfaceAddresses);
    if (draft.autopath !== undefined && draft.kubernetes.every(({ pods }) => pods !== 'verified')) {
      const at = block.directives.find(({ name }) => name === 'autopath') ?? block;
      throw corefileError(at, 'autopath needs to know the Pods', 'add: pods verified, to kubernetes');
    }
    return Object.freeze(draft);
  });
}

function readKey(block: ServerBlock, key: string): { readonly zones: readonly WireName[]; readonly port: number } {
  const [, scheme, rest = key] = /^([a-z]+):\/\/(.*)$/.exec(key) ?? [];
  if (scheme !== undefined && scheme !== 'dns') {
    throw corefileError(block, `servers do not speak "${scheme}": they speak dns`);
  }
  const [, zone = '', port] = /^(.*?)(?::(\d+))?$/.exec(rest) ?? [];
  return {
    zones: zonesOf(block, zone === '' ? '.' : zone),
    port: port === undefined ? DEFAULT_PORT : listenAddress(block, `:${port}`, DEFAULT_PORT).port,
  };
}

function emptyServer({ file, line }: ServerBlock, zones: readonly WireName[], port: number): Draft {
  return {
    file,
    line,
    zones,
    port,
    hosts: [],
    kubernetes: [],
    forwards: [],
    cache: undefined,
    hostsFile: undefined,
    rewrites: [],
    templates: [],
    chaos: undefined,
    acl: [],
    autopath: undefined,
    log: undefined,
    health: undefined,
    ready: undefined,
    prometheus: undefined,
    reload: undefined,
    idle: [],
  };
}

function readDirective(draft: Draft, directive: Directive, interfaceAddresses: InterfaceAddresses): void {
  const { name } = directive;
  const read = Object.hasOwn(DIRECTIVES, name) ? DIRECTIVES[name] : undefined;
  if (read !== undefined) return read(draft, directive, interfaceAddresses);
  if (IDLE.has(name)) {
    if (name === 'loadbalance') checkLoadBalance(directive);
    draft.idle = [...draft.idle, name];
    return;
  }
  const known = [...Object.keys(DIRECTIVES), ...IDLE].toSorted().join(', ');
  throw corefileError(directive, `the plugin "${name}" is not supported: there is ${known}`);
}

/** They tune what is no question here, or ask for what is always so. */
const IDLE: ReadonlySet<string> = new Set([
  // Failures are always logged, loops are always noticed, addresses always take turns, ANY always gets RFC 8482.
  'errors',
  'loop',
  'loadbalance',
  'any',
  'bufsize',
  'cancel',
  'debug',
  'metadata',
  'minimal',
  'multisocket',
  'nsid',
  'pprof',
  'timeouts',
  'trace',
]);

type ReadDirective = (draft: Draft, directive: Directive, interfaceAddresses: InterfaceAddresses) => void;

const DIRECTIVES: Readonly<Record<string, ReadDirective>> = {
  acl: (draft, directive) => {
    draft.acl = [...draft.acl, readAcl(directive, draft.zones)];
  },
  autopath: (draft, directive) => {
    draft.autopath = readAutopath(directive, draft.zones);
  },
  bind: (draft, directive, interfaceAddresses) => {
    draft.hosts = [...new Set([...draft.hosts, ...readBind(directive, interfaceAddresses)])];
  },
  cache: (draft, directive) => {
    draft.cache = readCache(directive, draft.zones);
  },
  chaos: (draft, directive) => {
    const [version, ...authors] = directive.args;
    draft.chaos = { version, authors };
  },
  forward: (draft, directive) => {
    draft.forwards = [...draft.forwards, readForward(directive)];
  },
  health: (draft, directive) => {
    draft.health = readHealth(directive);
  },
  hosts: (draft, directive) => {
    draft.hostsFile = readHosts(directive, draft.zones);
  },
  kubernetes: (draft, directive) => {
    draft.kubernetes = [...draft.kubernetes, readKubernetes(directive, draft.zones)];
  },
  log: (draft, directive) => {
    draft.log = readLog(directive, draft.zones);
  },
  prometheus: (draft, directive) => {
    draft.prometheus = readPrometheus(directive);
  },
  ready: (draft, directive) => {
    draft.ready = readReady(directive);
  },
  reload: (draft, directive) => {
    draft.reload = readReload(directive);
  },
  rewrite: (draft, directive) => {
    draft.rewrites = [...draft.rewrites, ...readRewrites(directive)];
  },
  template: (draft, directive) => {
    draft.templates = [...draft.templates, readTemplate(directive, draft.zones)];
  },
};
