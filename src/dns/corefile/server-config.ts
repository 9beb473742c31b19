import type { Cidr } from '#base/cidr.ts';
import type { Re2 } from '#api/re2/regexp.ts';
import type { WireName } from '../name.ts';
import type { PodMode } from '../pod-name.ts';
import type { TemplatePart } from './go-template.ts';
import type { Place } from './place.ts';

/** One zone on one port, with all that answers there. Plain data: what a Corefile says. */
export interface ServerConfig extends Place {
  /** What this block is for, the longest that fits a question wins; `\0` is everything. */
  readonly zones: readonly WireName[];
  readonly port: number;
  /** Empty: all addresses. */
  readonly hosts: readonly string[];
  readonly kubernetes: readonly KubernetesConfig[];
  readonly forwards: readonly ForwardConfig[];
  readonly cache: CacheConfig | undefined;
  readonly hostsFile: HostsConfig | undefined;
  readonly rewrites: readonly RewriteRule[];
  readonly templates: readonly TemplateRule[];
  readonly chaos: ChaosConfig | undefined;
  readonly acl: readonly AclRule[];
  readonly autopath: AutopathConfig | undefined;
  readonly log: LogConfig | undefined;
  readonly health: HealthConfig | undefined;
  readonly ready: ListenConfig | undefined;
  readonly prometheus: ListenConfig | undefined;
  readonly reload: ReloadConfig | undefined;
  /** Directives that are understood and change nothing here. */
  readonly idle: readonly string[];
}

export interface KubernetesConfig {
  /** The cluster's domains, the first for reverse answers. */
  readonly zones: readonly WireName[];
  /** Below `in-addr.arpa` and `ip6.arpa`. */
  readonly reverseZones: readonly WireName[];
  readonly pods: PodMode;
  readonly endpointPodNames: boolean;
  /** Seconds. */
  readonly ttl: number;
  /** Zones for whose missing names the next in line is asked. */
  readonly fallthrough: readonly WireName[];
  /** Empty: all. */
  readonly namespaces: readonly string[];
  readonly namespaceLabels: string | undefined;
  readonly labels: string | undefined;
  readonly noEndpoints: boolean;
  readonly ignoreEmptyServices: boolean;
  readonly connection: ConnectionConfig | undefined;
}

export type ConnectionConfig =
  | { readonly kind: 'kubeconfig'; readonly file: string; readonly context: string | undefined }
  | {
      readonly kind: 'endpoint';
      readonly server: string;
      readonly tls: { readonly cert: string; readonly key: string; readonly ca: string } | undefined;
    };

export interface ServerTarget {
  readonly host: string;
  readonly port: number;
  readonly tls: boolean;
}

export type ForwardPolicy = 'random' | 'round_robin' | 'sequential';

export interface ForwardConfig {
  readonly from: WireName;
  readonly except: readonly WireName[];
  /** Servers, or files like resolv.conf that name them. */
  readonly to: readonly (ServerTarget | { readonly file: string })[];
  readonly policy: ForwardPolicy;
  /** 0: as many as come. */
  readonly maxConcurrent: number;
  readonly forceTcp: boolean;
  readonly tlsServerName: string | undefined;
  readonly tlsFiles: readonly string[];
  /** In a row, after which a server is asked last; 0: never. */
  readonly maxFails: number;
  /** From one probe of a server that was given up to the next, at first. */
  readonly healthCheckMs: number;
  /** While no server is healthy nobody is asked. */
  readonly failFast: boolean;
  /** How long a connection over TCP is kept for the next question; undefined: as long as is usual. */
  readonly expireMs: number | undefined;
  /** Codes of answers for which the next `forward` is asked. */
  readonly next: readonly number[];
}

export interface CacheConfig {
  /** Empty: all that the block is for. */
  readonly zones: readonly WireName[];
  readonly success: CacheLimits;
  readonly denial: CacheLimits;
  readonly servfailMs: number;
  /** 0: never. */
  readonly prefetch: { readonly amount: number; readonly withinMs: number; readonly part: number };
  /** How long after its end an answer may be given; `immediately` also while the servers answer. */
  readonly stale: { readonly ms: number; readonly immediately: boolean } | undefined;
  /** Clients are told the whole time to live, not what is left of it. */
  readonly keepTtl: boolean;
  readonly exceptSuccess: readonly WireName[];
  readonly exceptDenial: readonly WireName[];
}

export interface CacheLimits {
  readonly entries: number;
  readonly maxSeconds: number;
  readonly minSeconds: number;
}

export interface HostsConfig {
  readonly file: string | undefined;
  readonly inline: readonly string[];
  readonly zones: readonly WireName[];
  readonly ttl: number;
  readonly reverse: boolean;
  readonly reloadMs: number;
  readonly fallthrough: readonly WireName[];
}

export interface RewriteRule {
  readonly from: NameMatch;
  readonly to: string;
  readonly onwards: boolean;
  readonly answers: readonly AnswerRewrite[];
}

/** Texts in lower case with a dot at the end, as in CoreDNS. */
export type NameMatch =
  | { readonly kind: 'exact' | 'prefix' | 'suffix' | 'substring'; readonly text: string }
  | { readonly kind: 'regex'; readonly pattern: Re2 };

/** `auto`: what was asked for stands in the answer again. */
export type AnswerRewrite =
  | { readonly kind: 'auto' }
  | { readonly kind: 'name' | 'value'; readonly pattern: Re2; readonly to: string };

export type AclAction = 'allow' | 'block' | 'filter' | 'drop';

/** Who may ask for names of some zones. */
export interface AclRule {
  readonly zones: readonly WireName[];
  /** The first that fits decides; where none does, the next rule. */
  readonly policies: readonly AclPolicy[];
}

export interface AclPolicy {
  readonly action: AclAction;
  /** Empty: all. */
  readonly types: readonly number[];
  /** Of those who ask; empty: all. */
  readonly ranges: readonly Cidr[];
}

/** Answers that are written in the configuration. */
export interface TemplateRule {
  readonly zones: readonly WireName[];
  /** ANY: every type. */
  readonly type: number;
  /** Of names in lower case with a dot at the end; the first that fits says what the parts of the name are. */
  readonly patterns: readonly Re2[];
  readonly answers: readonly (readonly TemplatePart[])[];
  readonly authorities: readonly (readonly TemplatePart[])[];
  readonly additionals: readonly (readonly TemplatePart[])[];
  readonly rcode: number;
  /** Zones for whose names that no pattern fits the next is asked. */
  readonly fallthrough: readonly WireName[];
}

/** What is said of the server itself, in class CH. */
export interface ChaosConfig {
  /** Undefined: our own. */
  readonly version: string | undefined;
  readonly authors: readonly string[];
}

export interface AutopathConfig {
  /** Whose names are walked for. */
  readonly zones: readonly WireName[];
}

export interface LogConfig {
  readonly zones: readonly WireName[];
  readonly format: 'common' | 'combined';
  readonly classes: readonly ('all' | 'success' | 'denial' | 'error')[];
}

export interface ListenConfig {
  /** Empty: all addresses. */
  readonly host: string;
  readonly port: number;
}

export interface HealthConfig extends ListenConfig {
  readonly lameduckMs: number;
}

export interface ReloadConfig {
  readonly intervalMs: number;
}
