import { parseIp } from '#base/ip.ts';
import { argumentsOf, duration, rcodeNamed, unknownProperty, wholeNumber, zoneName, zonesOf } from './arguments.ts';
import type { Directive, Line } from './corefile.ts';
import { corefileError, type Place } from './place.ts';
import type { ForwardConfig, ForwardPolicy, ServerTarget } from './server-config.ts';

type Draft = { -readonly [K in keyof ForwardConfig]: ForwardConfig[K] };
const MANY = Number.POSITIVE_INFINITY;
/** As many as CoreDNS takes. */
const MAX_SERVERS = 15;

export function readForward(directive: Directive): ForwardConfig {
  const [from = '', ...to] = argumentsOf(directive, 2, MAX_SERVERS + 1);
  const draft: Draft = {
    from: zonesOf(directive, from)[0] ?? zoneName(directive, from),
    except: [],
    to: to.map((text) => target(directive, text)),
    policy: 'random',
    maxConcurrent: 0,
    forceTcp: false,
    tlsServerName: undefined,
    tlsFiles: [],
    maxFails: 2,
    healthCheckMs: 500,
    failFast: false,
    expireMs: undefined,
    next: [],
  };
  for (const line of directive.block ?? []) {
    const read = Object.hasOwn(PROPERTIES, line.name) ? PROPERTIES[line.name] : undefined;
    if (read === undefined) throw unknownProperty(line, 'forward', Object.keys(PROPERTIES));
    read(draft, line);
  }
  return Object.freeze(draft);
}

/** `10.0.0.1`, `10.0.0.1:5353`, `[fd00::1]:53`, `tls://1.1.1.1`, or a file that looks like resolv.conf. */
function target(place: Place, text: string): ForwardConfig['to'][number] {
  const [, scheme, rest = text] = /^([a-z]+):\/\/(.*)$/.exec(text) ?? [];
  if (scheme !== undefined && scheme !== 'dns' && scheme !== 'tls') {
    throw corefileError(place, `forward does not speak "${scheme}": it speaks dns and tls`);
  }
  const server = serverTarget(rest, scheme === 'tls');
  if (server !== undefined) return server;
  if (scheme !== undefined || !text.includes('/')) {
    throw corefileError(
      place,
      `"${text}" is neither an address nor a file`,
      'write it like 10.0.0.1 or /etc/resolv.conf',
    );
  }
  return { file: text };
}

export function serverTarget(text: string, tls: boolean): ServerTarget | undefined {
  const [, bracketed, plain, port] = /^(?:\[([^\]]+)\]|([^[\]]+?))(?::(\d+))?$/.exec(text) ?? [];
  const fallback = tls ? 853 : 53;
  // An IPv6 address without brackets has no port: all its colons are its own.
  if (parseIp(text)?.family === 6) return { host: text, port: fallback, tls };
  const host = bracketed ?? plain ?? '';
  if (parseIp(host) === undefined) return undefined;
  return { host, port: port === undefined ? fallback : Number(port), tls };
}

const PROPERTIES: Readonly<Record<string, (draft: Draft, line: Line) => void>> = {
  except: (draft, line) => {
    draft.except = [...draft.except, ...argumentsOf(line, 1, MANY).flatMap((arg) => zonesOf(line, arg))];
  },
  policy: (draft, line) => {
    const [policy = ''] = argumentsOf(line, 1);
    if (!['random', 'round_robin', 'sequential'].includes(policy)) {
      throw corefileError(line, `policy cannot be "${policy}": it is random, round_robin or sequential`);
    }
    draft.policy = policy as ForwardPolicy;
  },
  max_concurrent: (draft, line) => {
    draft.maxConcurrent = wholeNumber(line, argumentsOf(line, 1)[0] ?? '');
  },
  force_tcp: (draft, line) => {
    argumentsOf(line, 0);
    draft.forceTcp = true;
  },
  // Always so.
  prefer_udp: (_, line) => void argumentsOf(line, 0),
  tls: (draft, line) => {
    draft.tlsFiles = argumentsOf(line, 0, 3);
  },
  tls_servername: (draft, line) => {
    draft.tlsServerName = argumentsOf(line, 1)[0];
  },
  max_fails: (draft, line) => {
    draft.maxFails = wholeNumber(line, argumentsOf(line, 1)[0] ?? '');
  },
  health_check: (draft, line) => {
    const [interval = '', ...rest] = argumentsOf(line, 1, 4);
    draft.healthCheckMs = duration(line, interval);
    // What a probe asks for does not matter: any answer will do.
    const [word, domain] = rest[0] === 'no_rec' ? rest.slice(1) : rest;
    if (word === undefined) return;
    if (word !== 'domain' || domain === undefined) {
      throw corefileError(line, `"${word}" is not a property of health_check here: there is no_rec, domain NAME`);
    }
    zoneName(line, domain);
  },
  failfast_all_unhealthy_upstreams: (draft, line) => {
    argumentsOf(line, 0);
    draft.failFast = true;
  },
  next: (draft, line) => {
    draft.next = argumentsOf(line, 1, MANY).map((name) => rcodeNamed(line, name));
  },
  expire: (draft, line) => {
    draft.expireMs = duration(line, argumentsOf(line, 1)[0] ?? '');
  },
};
