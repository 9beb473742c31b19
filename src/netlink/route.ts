import { formatCidr, type Cidr } from '#base/cidr.ts';
import { formatIp, ipBytes, type Ip, type IpFamily } from '#base/ip.ts';
import { AttributeReader, type AttributeSpace } from './attribute.ts';
import type { MessageEncoder } from './encoder.ts';
import { addressFamily, ipFamily, readIp } from './family.ts';
import { fixedHeader, NLM_F_ACK, NLM_F_CREATE, NLM_F_DUMP, NLM_F_EXCL } from './message.ts';
import { NLM_F_REPLACE, NLM_F_REQUEST } from './message.ts';

export const RTM_NEWROUTE = 24;
export const RTM_DELROUTE = 25;
export const RTM_GETROUTE = 26;
/** enum rtnetlink_groups */
export const RTNLGRP_IPV4_ROUTE = 7;
export const RTNLGRP_IPV6_ROUTE = 11;

const RTA = { DST: 1, OIF: 4, GATEWAY: 5, PRIORITY: 6, PREFSRC: 7, TABLE: 15 } as const;
const routeSpace: AttributeSpace = { name: 'RTA', types: RTA };

/** sizeof(struct rtmsg) */
const RTMSG_LENGTH = 12;
const RTNH_F_ONLINK = 4;
const RTPROT_STATIC = 4;
const RT_SCOPE_NOWHERE = 255;

/** RT_TABLE_*: what everybody means by "the routing table", and the one of the machine's own addresses. */
export const RT_TABLE_MAIN = 254;
export const RT_TABLE_LOCAL = 255;

/** enum rt_scope_t; IPv6 ignores it. */
const scopes = { universe: 0, link: 253, host: 254 } as const;
export type RouteScope = keyof typeof scopes;

/** RTN_* */
const types = { unicast: 1, local: 2, broadcast: 3, blackhole: 6, unreachable: 7, prohibit: 8 } as const;
export type RouteType = keyof typeof types;

export interface RouteSpec {
  /** A prefix of 0 is the default route. */
  readonly destination: Cidr;
  readonly gateway?: Ip;
  /** Index of the link to send through. */
  readonly link?: number;
  /** The address that this machine's own packets come from. */
  readonly source?: Ip;
  /** @default link without a gateway, universe with one, host for `local` */
  readonly scope?: RouteScope;
  /** @default unicast */
  readonly type?: RouteType;
  /** The gateway is reachable through the link even where no route says so. */
  readonly onlink?: boolean;
  /** The least wins; 0 for IPv6 means 1024. */
  readonly priority?: number;
  /** @default RT_TABLE_MAIN */
  readonly table?: number;
  /** RTPROT_*, who made it. @default 4, static */
  readonly protocol?: number;
}

export interface Route {
  readonly kind: 'route';
  readonly destination: Cidr;
  readonly gateway?: Ip;
  readonly link?: number;
  readonly source?: Ip;
  readonly priority?: number;
  /** RT_SCOPE_* by name where it has one. */
  readonly scope: RouteScope | number;
  readonly type: RouteType | number;
  readonly onlink: boolean;
  readonly table: number;
  /** RTPROT_*: 2 is the kernel's own, 4 static. */
  readonly protocol: number;
}

export function encodeAddRoute(encoder: MessageEncoder, spec: RouteSpec): void {
  encoder.begin(RTM_NEWROUTE, NLM_F_REQUEST | NLM_F_ACK | NLM_F_CREATE | NLM_F_EXCL);
  body(encoder, spec, spec.scope ?? defaultScope(spec));
  encoder.end();
}

/** Adds it, or puts it in the place of the one with the same destination, table and priority. */
export function encodeReplaceRoute(encoder: MessageEncoder, spec: RouteSpec): void {
  encoder.begin(RTM_NEWROUTE, NLM_F_REQUEST | NLM_F_ACK | NLM_F_CREATE | NLM_F_REPLACE);
  body(encoder, spec, spec.scope ?? defaultScope(spec));
  encoder.end();
}

/** What `spec` leaves out matches anything. */
export function encodeDeleteRoute(encoder: MessageEncoder, spec: RouteSpec): void {
  encoder.begin(RTM_DELROUTE, NLM_F_REQUEST | NLM_F_ACK);
  body(encoder, spec, spec.scope);
  encoder.end();
}

/** `table` 0 lists all tables. */
export function encodeListRoutes(encoder: MessageEncoder, family: IpFamily, table: number = RT_TABLE_MAIN): void {
  encoder.begin(RTM_GETROUTE, NLM_F_REQUEST | NLM_F_DUMP);
  encoder.word(addressFamily(family));
  encoder.word(table < 256 ? table : 0);
  encoder.word(0);
  if (table >= 256) encoder.u32(RTA.TABLE, table);
  encoder.end();
}

/** The payload of an RTM_NEWROUTE or RTM_DELROUTE; undefined for families other than IPv4 and IPv6. */
export function decodeRoute(payload: Uint8Array): Route | undefined {
  const view = fixedHeader(payload, RTMSG_LENGTH, 'rtmsg');
  const family = ipFamily(view.getUint8(0));
  if (family === undefined) return undefined;
  let base = 0n;
  let table = view.getUint8(4);
  const optional: { gateway?: Ip; link?: number; source?: Ip; priority?: number } = {};
  const reader = new AttributeReader(payload, routeSpace, RTMSG_LENGTH);
  while (reader.next()) {
    if (reader.type === RTA.DST) base = readIp(reader, family).value;
    else if (reader.type === RTA.GATEWAY) optional.gateway = readIp(reader, family);
    else if (reader.type === RTA.OIF) optional.link = reader.u32();
    else if (reader.type === RTA.PREFSRC) optional.source = readIp(reader, family);
    else if (reader.type === RTA.PRIORITY) optional.priority = reader.u32();
    // The byte in the header cannot hold tables above 255.
    else if (reader.type === RTA.TABLE) table = reader.u32();
  }
  return Object.freeze({
    kind: 'route',
    destination: { family, base, prefix: view.getUint8(1) },
    scope: nameOf(scopes, view.getUint8(6)),
    type: nameOf(types, view.getUint8(7)),
    onlink: (view.getUint32(8, true) & RTNH_F_ONLINK) !== 0,
    table,
    protocol: view.getUint8(5),
    ...optional,
  });
}

/** Nearly as `ip route` prints it, with the link's index for its name: `10.0.0.0/8 via 172.18.0.1 dev 3`. */
export function formatRoute(route: Route | RouteSpec): string {
  const parts = [route.destination.prefix === 0 ? 'default' : formatCidr(route.destination)];
  if (route.type !== undefined && route.type !== 'unicast') parts.unshift(String(route.type));
  if (route.gateway !== undefined) parts.push(`via ${formatIp(route.gateway)}`);
  if (route.link !== undefined) parts.push(`dev ${route.link}`);
  if (route.scope !== undefined && route.scope !== 'universe') parts.push(`scope ${route.scope}`);
  if (route.source !== undefined) parts.push(`src ${formatIp(route.source)}`);
  if (route.priority !== undefined) parts.push(`metric ${route.priority}`);
  if (route.onlink) parts.push('onlink');
  return parts.join(' ');
}

function defaultScope(spec: RouteSpec): RouteScope {
  if (spec.destination.family === 6 || spec.gateway !== undefined) return 'universe';
  if (spec.type === 'local') return 'host';
  return spec.type === undefined || spec.type === 'unicast' ? 'link' : 'universe';
}

function body(encoder: MessageEncoder, spec: RouteSpec, scope: RouteScope | undefined): void {
  const { destination, table = RT_TABLE_MAIN } = spec;
  header(encoder, spec, table, scope);
  if (destination.prefix > 0) {
    encoder.bytes(RTA.DST, ipBytes({ family: destination.family, value: destination.base }));
  }
  if (spec.gateway !== undefined) encoder.bytes(RTA.GATEWAY, ipBytes(spec.gateway));
  if (spec.source !== undefined) encoder.bytes(RTA.PREFSRC, ipBytes(spec.source));
  if (spec.priority !== undefined) encoder.u32(RTA.PRIORITY, spec.priority);
  if (spec.link !== undefined) encoder.u32(RTA.OIF, spec.link);
  if (table >= 256) encoder.u32(RTA.TABLE, table);
}

/**
 * struct rtmsg { u8 family, dst_len, src_len, tos, table, protocol, scope, type; u32 flags; }
 *
 * Without a scope it is a deletion, in which "nowhere" and zeros match anything.
 */
function header(encoder: MessageEncoder, spec: RouteSpec, table: number, scope: RouteScope | undefined): void {
  const deleting = scope === undefined;
  const protocol = spec.protocol ?? (deleting ? 0 : RTPROT_STATIC);
  const type = deleting && spec.type === undefined ? 0 : types[spec.type ?? 'unicast'];
  const scopeNumber = deleting ? RT_SCOPE_NOWHERE : scopes[scope];
  encoder.word(addressFamily(spec.destination.family) | (spec.destination.prefix << 8));
  encoder.word((table < 256 ? table : 0) | (protocol << 8) | (scopeNumber << 16) | (type << 24));
  encoder.word(spec.onlink ? RTNH_F_ONLINK : 0);
}

function nameOf<Name extends string>(names: Readonly<Record<Name, number>>, number: number): Name | number {
  for (const name in names) if (names[name] === number) return name;
  return number;
}
