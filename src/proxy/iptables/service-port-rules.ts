import { formatCidr } from '#base/cidr.ts';
import type { IpFamily } from '#base/ip.ts';
import type { Backend, Frontend } from '../frontend.ts';
import { includesOneOf } from '../node-view.ts';
import type { RulesetSettings } from '../settings.ts';
import { MARK_CHAIN, MARK_OUTSIDE_CHAIN, negated, podMatches } from './base-rules.ts';
import { endpointChain, endpointText, portChain, type PortChainKind, type SharedChain } from './chain-name.ts';
import {
  host,
  LOCALHOST_ACCEPTED,
  oneOf,
  rejectTarget,
  rememberSentTo,
  ruleText,
  wasSentTo,
  type RuleParts,
} from './rule.ts';
import type { ExternalAddress, ServicePort } from './service-port.ts';

/** One rule of a Service in a chain that all Services share. */
export interface SharedRule {
  readonly table: 'nat' | 'filter';
  readonly chain: SharedChain;
  readonly rule: string;
}

export interface ServicePortRules {
  readonly shared: readonly SharedRule[];
  /** Chains of its own, all in nat, whole. */
  readonly chains: ReadonlyMap<string, readonly string[]>;
}

export interface RuleContext {
  readonly family: IpFamily;
  readonly settings: RulesetSettings;
  /** Leave out the comments of which there are most; they are two fifths of the size. */
  readonly isLarge: boolean;
}

const IS_LOCAL_SOURCE = '-m addrtype --src-type LOCAL';
const IS_LOCAL_DESTINATION = '-m addrtype --dst-type LOCAL';

/** The rules of one port of a Service, as kube-proxy makes them (pkg/proxy/iptables/proxier.go: syncProxyRules). */
export function servicePortRules(port: ServicePort, context: RuleContext): ServicePortRules {
  const rules = new PortRules(port, context);
  for (const one of port.internal) rules.addInternal(one);
  for (const one of port.external) rules.addExternal(one);
  rules.addHealthCheck();
  rules.addExternalChain();
  rules.addFirewallChain();
  rules.addBalancing('SVC', port.cluster);
  rules.addBalancing('SVL', port.local);
  rules.addEndpoints();
  return rules;
}

class PortRules implements ServicePortRules {
  readonly shared: SharedRule[] = [];
  readonly chains: Map<string, string[]> = new Map<string, string[]>();
  readonly #port: ServicePort;
  readonly #context: RuleContext;
  readonly #hasExternalEndpoints: boolean;
  /** A hash for each: every endpoint's chain is named twice and more. */
  readonly #endpointChains = new Map<Backend, string>();

  constructor(port: ServicePort, context: RuleContext) {
    this.#port = port;
    this.#context = context;
    const isLocal = port.externalPolicy === 'Local';
    this.#hasExternalEndpoints = isLocal ? port.local.length > 0 : port.hasEndpoints;
  }

  addInternal(internal: ServicePort['internal'][number]): void {
    const { name, protocol } = this.#port;
    const { family, settings } = this.#context;
    const at = { destination: host(internal.address), protocol, port: internal.port };
    if (this.#listOf(internal.policy).length === 0) return this.#addRefusal('KUBE-SERVICES', at);
    const chain = this.#chain(chainOf(internal.policy));
    const comment = `${name} cluster IP`;
    this.#share('nat', 'KUBE-SERVICES', { ...at, comment, target: chain });
    const [pods, ...more] = podMatches(settings, family);
    if (settings.masqueradeAll) this.#add(chain, { ...at, comment, target: MARK_CHAIN });
    else if (more.length > 0) this.#add(chain, { ...at, comment, target: MARK_OUTSIDE_CHAIN });
    else if (pods !== undefined) this.#add(chain, { ...at, ...negated(pods), comment, target: MARK_CHAIN });
  }

  addExternal(one: ExternalAddress): void {
    const { name, protocol, hasEndpoints } = this.#port;
    const isNodePort = one.origin === 'nodePort';
    const place = { protocol, port: one.port };
    const at = isNodePort ? place : { ...place, destination: host(one.address) };
    const isGuarded = hasEndpoints && one.sources !== undefined;
    const target = this.#chain(isGuarded ? 'FW' : 'EXT');
    if (hasEndpoints) {
      const comment = { nodePort: name, externalIP: `${name} external IP`, loadBalancer: `${name} loadbalancer IP` };
      if (isNodePort && this.#countsLocalhost()) {
        const counter = LOCALHOST_ACCEPTED;
        this.#share('nat', 'KUBE-NODEPORTS', { ...at, destination: '127.0.0.0/8', comment: name, counter, target });
      }
      this.#share('nat', isNodePort ? 'KUBE-NODEPORTS' : 'KUBE-SERVICES', {
        ...at,
        comment: comment[one.origin],
        target,
      });
    }
    if (isGuarded) {
      const comment = `${name} traffic not accepted by ${target}`;
      this.#share('filter', 'KUBE-PROXY-FIREWALL', { ...at, comment, target: 'DROP' });
    }
    if (this.#hasExternalEndpoints) return;
    this.#addRefusal('KUBE-EXTERNAL-SERVICES', isNodePort ? { ...at, matches: [IS_LOCAL_DESTINATION] } : at);
  }

  /** Its rule comes before the one of the NodePort at all addresses. */
  #countsLocalhost(): boolean {
    const { family, settings } = this.#context;
    return settings.hasCounters === true && settings.hasLocalhost && family === 4;
  }

  /** Whoever else guards the node lets the load balancers ask. */
  addHealthCheck(): void {
    const { name, healthCheckPort: port } = this.#port;
    if (port === 0) return;
    const comment = `${name} health check node port`;
    this.#share('filter', 'KUBE-NODEPORTS', { protocol: 'tcp', comment, port, target: 'ACCEPT' });
  }

  /** Under policy Local what comes from Pods and from the node itself goes to all endpoints, as if by the cluster address. */
  addExternalChain(): void {
    const { name, hasEndpoints, external, externalPolicy } = this.#port;
    if (!hasEndpoints || external.length === 0) return;
    const chain = this.#chain('EXT');
    const all = this.#chain('SVC');
    this.chains.set(chain, []);
    if (externalPolicy === 'Cluster') {
      this.#add(chain, { comment: `masquerade traffic for ${name} external destinations`, target: MARK_CHAIN });
    } else {
      const forPods = `pod traffic for ${name} external destinations`;
      for (const pods of podMatches(this.#context.settings, this.#context.family)) {
        this.#add(chain, { ...pods, comment: forPods, target: all });
      }
      const isNode = { matches: [IS_LOCAL_SOURCE] };
      // The address asked for may be the node's own, and so the source.
      const mask = `masquerade LOCAL traffic for ${name} external destinations`;
      this.#add(chain, { ...isNode, comment: mask, target: MARK_CHAIN });
      this.#add(chain, { ...isNode, comment: `route LOCAL traffic for ${name} external destinations`, target: all });
    }
    if (this.#hasExternalEndpoints) this.#add(chain, { target: this.#chain(chainOf(externalPolicy)) });
  }

  /** What passes no rule here is not translated, and so meets KUBE-PROXY-FIREWALL. */
  addFirewallChain(): void {
    const { name, hasEndpoints, external } = this.#port;
    const guarded = external.filter(({ sources }) => sources !== undefined);
    const ranges = guarded[0]?.sources;
    if (!hasEndpoints || ranges === undefined) return;
    const chain = this.#chain('FW');
    const comment = `${name} loadbalancer IP`;
    const target = this.#chain('EXT');
    for (const range of ranges) this.#add(chain, { source: formatCidr(range), comment, target });
    // A node that has the load balancer's address sends from it.
    const addresses = includesOneOf(ranges, this.#context.settings.nodeAddresses)
      ? guarded.map(({ address }) => address)
      : [];
    for (const address of addresses) this.#add(chain, { source: host(address), comment, target });
    this.#add(chain, { comment: `other traffic to ${name} will be dropped by KUBE-PROXY-FIREWALL` });
  }

  addBalancing(kind: 'SVC' | 'SVL', backends: readonly Backend[]): void {
    if (backends.length === 0) return;
    const { name, affinitySeconds } = this.#port;
    const { family, isLarge } = this.#context;
    const chain = this.#chain(kind);
    const ways = backends.map((backend) => ({
      target: this.#endpointChain(backend),
      ...(isLarge ? {} : { comment: `${name} -> ${endpointText(backend)}` }),
    }));
    for (const way of affinitySeconds === 0 ? [] : ways) {
      this.#add(chain, { ...way, matches: [wasSentTo(way.target, affinitySeconds, family)] });
    }
    ways.forEach((way, i) => {
      const left = ways.length - i;
      this.#add(chain, left === 1 ? way : { ...way, matches: [oneOf(left)] });
    });
  }

  addEndpoints(): void {
    const { name, protocol, cluster, local, affinitySeconds } = this.#port;
    const { family, isLarge } = this.#context;
    const comment = isLarge ? undefined : name;
    for (const backend of [...cluster, ...local]) {
      const chain = this.#endpointChain(backend);
      if (this.chains.has(chain)) continue;
      // To itself: a Pod must not see its own address come in.
      this.#add(chain, { source: host(backend.address), comment, target: MARK_CHAIN });
      const matches = affinitySeconds === 0 ? [] : [rememberSentTo(chain, family)];
      this.#add(chain, { protocol, comment, matches, target: `DNAT --to-destination ${endpointText(backend)}` });
    }
  }

  /** Refused where there is no endpoint at all; no answer where the policy allows none of those there are. */
  #addRefusal(chain: SharedChain, at: RuleParts): void {
    const { name, hasEndpoints } = this.#port;
    const comment = hasEndpoints ? `${name} has no local endpoints` : `${name} has no endpoints`;
    const target = hasEndpoints ? 'DROP' : rejectTarget(this.#context.family);
    this.#share('filter', chain, { ...at, comment, target });
  }

  #listOf(policy: Frontend['policy']): readonly Backend[] {
    return policy === 'Local' ? this.#port.local : this.#port.cluster;
  }

  #endpointChain(backend: Backend): string {
    const known = this.#endpointChains.get(backend);
    if (known !== undefined) return known;
    const chain = endpointChain(this.#port.name, this.#port.protocol, backend);
    this.#endpointChains.set(backend, chain);
    return chain;
  }

  #chain(kind: PortChainKind): string {
    return portChain(kind, this.#port.name, this.#port.protocol);
  }

  #add(chain: string, parts: RuleParts): void {
    const rules = this.chains.get(chain);
    if (rules === undefined) this.chains.set(chain, [ruleText(parts)]);
    else rules.push(ruleText(parts));
  }

  #share(table: SharedRule['table'], chain: SharedChain, parts: RuleParts): void {
    this.shared.push({ table, chain, rule: ruleText(parts) });
  }
}

function chainOf(policy: Frontend['policy']): 'SVC' | 'SVL' {
  return policy === 'Local' ? 'SVL' : 'SVC';
}
