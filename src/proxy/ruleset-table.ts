import { formatCidr, parseCidr, type Cidr } from '#base/cidr.ts';
import { bitwise, ct, fib, map, meta } from '#nftables/expression.ts';
import {
  accept,
  assign,
  drop,
  goTo,
  masquerade,
  matchFlags,
  matchPrefix,
  matchSet,
  matchValue,
  reject,
  verdict,
  vmap,
  type Statement,
} from '#nftables/statement.ts';
import { chain, rule, type Chain, type Rule, type SetContent, type Table } from '#nftables/table.ts';
import { formatHex } from '#nftables/value.ts';
import type { FrontendKind } from './frontend.ts';
import { guardChain, guardContent, type Guard } from './guard.ts';
import { dropElement, pickChain, pickElement, type Pick } from './pick.ts';
import { element, intervalElements, TABLE_NAME, type Plane, type Ruleset } from './ruleset.ts';
import type { RulesetSettings } from './settings.ts';

const LOOPBACK = '127.0.0.0/8';

/** What the table holds besides the elements that changes of the cluster put into it. */
export function rulesetTable(
  rules: Ruleset,
  settings: RulesetSettings,
  picks: readonly Pick[],
  guards: readonly Guard[] = [],
): Table {
  const { family, sets } = rules;
  const { address, port } = rules.planes;
  const intervals = (declaration: SetContent['declaration'], cidrs: readonly Cidr[]): SetContent => ({
    declaration,
    elements: intervalElements(cidrs, family),
  });
  const listed: readonly SetContent[] = [
    ...planeContents(address),
    ...planeContents(port),
    { declaration: sets.pick, elements: [dropElement(), ...picks.map(pickElement)] },
    { declaration: sets.firewall },
    { declaration: sets.addresses },
    { declaration: sets.externalAddresses },
    intervals(sets.ranges, settings.ranges),
    intervals(sets.pods, settings.podCidrs),
    intervals(sets.nodeAddresses, nodePortRanges(settings)),
    { declaration: sets.hairpin },
    {
      declaration: sets.protocols,
      elements: ['tcp', 'udp', 'sctp'].map((name) => element(sets.protocols, name)),
    },
    ...guards.map((guard) => guardContent(guard, rules)),
  ];
  const chains = [
    ...picks.map((pick) => pickChain(rules, pick)),
    ...guards.map(({ name }) => guardChain(name, rules)),
    ...fixedChains(rules, settings),
  ];
  return { kind: 'table', family, name: TABLE_NAME, sets: listed, chains, comment: 'Services' };
}

function planeContents({ sets }: Plane): SetContent[] {
  const { counts, endpoints, slots, byId, localById, affinity, refused } = sets;
  const declarations = [...new Set(Object.values(counts)), endpoints, slots, byId, localById, affinity, refused];
  return declarations.map((declaration) => ({ declaration }));
}

function nodePortRanges(settings: RulesetSettings): readonly Cidr[] {
  const loopback = settings.hasLocalhost ? parseCidr(LOOPBACK) : undefined;
  return loopback === undefined ? settings.nodePortRanges : [...settings.nodePortRanges, loopback];
}

function fixedChains(rules: Ruleset, settings: RulesetSettings): Chain[] {
  const { address, port } = rules.planes;
  const firewall = rule([vmap(address.frontend, rules.sets.firewall.name)], 'loadBalancerSourceRanges');
  return [
    chain('dispatch', dispatchRules(rules, settings)),
    chain('external', [firewall, ...policyRules(rules, address, settings)]),
    chain('node-port', policyRules(rules, port, settings)),
    chain('refuse', refuseRules()),
    chain('untranslated', untranslatedRules(rules, settings)),
    chain('arriving', arrivingRules(rules, settings)),
    ...hookChains(rules, settings),
  ];
}

function hookChains(rules: Ruleset, settings: RulesetSettings): Chain[] {
  const go = (to: string): readonly Rule[] => [rule([verdict(goTo(to))])];
  return [
    chain('nat-prerouting', go('dispatch'), { hook: { type: 'nat', hook: 'prerouting', priority: -100 } }),
    chain('nat-output', go('dispatch'), { hook: { type: 'nat', hook: 'output', priority: -100 } }),
    chain('nat-postrouting', sourceRules(rules, settings), {
      hook: { type: 'nat', hook: 'postrouting', priority: 100 },
    }),
    chain('filter-input', go('arriving'), { hook: { type: 'filter', hook: 'input', priority: 0 } }),
    chain('filter-forward', forwardRules(settings), { hook: { type: 'filter', hook: 'forward', priority: 0 } }),
    chain('filter-output', go('untranslated'), { hook: { type: 'filter', hook: 'output', priority: 0 } }),
  ];
}

/** Looks a frontend up and goes to the chain that picks one of its backends; without it the packet goes on. */
function choose(plane: Plane, kind: FrontendKind, between: readonly Statement[] = []): Statement[] {
  const priority = meta('priority');
  return [assign(priority, map(plane.frontend, plane.sets.counts[kind].name)), ...between, vmap(priority, 'pick')];
}

/**
 * One bit, and not a look at `ct original` in postrouting: there client and frontend would have to be judged again, and nft
 * does not take `ct original proto-dst` in a concatenation, so that what it lists could not be loaded.
 *
 * The mark lasts from here to postrouting, where the same packet, the first of its connection, gets its source. */
function markFor(settings: RulesetSettings): Statement {
  return assign(meta('mark'), bitwise(meta('mark'), '|', settings.mark));
}

function dispatchRules(rules: Ruleset, settings: RulesetSettings): Rule[] {
  const { destination, sets, planes } = rules;
  const toService = matchSet(destination, sets.addresses.name);
  const outside: Rule[] = [];
  if (settings.masqueradeAll) outside.push(rule([toService, markFor(settings)], 'masquerade all'));
  else {
    const isOutside = matchPods(rules, settings, '!=');
    if (isOutside !== undefined)
      outside.push(rule([isOutside, toService, markFor(settings)], 'from outside to a cluster address'));
  }
  const isNodePort = [matchValue(fib('daddr', 'type'), 'local'), matchSet(destination, sets.nodeAddresses.name)];
  return [
    ...outside,
    rule(choose(planes.address, 'cluster')),
    rule([matchSet(destination, sets.externalAddresses.name), verdict(goTo('external'))]),
    rule([...isNodePort, verdict(goTo('node-port'))]),
  ];
}

/** Of the addresses that clients outside use too. */
function policyRules(rules: Ruleset, plane: Plane, settings: RulesetSettings): Rule[] {
  const isInside = matchPods(rules, settings, '==');
  const isNode = matchValue(fib('saddr', 'type'), 'local');
  const mark = [markFor(settings)];
  return [
    ...(isInside === undefined ? [] : [rule([isInside, ...choose(plane, 'inside')], 'as if by the cluster address')]),
    rule([isNode, ...choose(plane, 'inside', mark)], 'the address asked for may be the source'),
    rule(choose(plane, 'local'), 'policy Local: the source stays'),
    rule(choose(plane, 'external', mark), 'policy Cluster: answers come back here'),
  ];
}

function refuseRules(): Rule[] {
  return [
    rule([matchFlags(ct('state'), 'invalid'), verdict(drop)], 'a reset would end the connection it strayed from'),
    rule([matchValue(meta('l4proto'), 'tcp'), reject('tcp reset')]),
    rule([reject('port-unreachable')]),
  ];
}

function isKnown(): Rule {
  return rule([matchFlags(ct('state'), 'established,related'), verdict(accept)]);
}

/** A packet that its connection does not expect is not translated back: the client would not know it, and would reset. */
function forwardRules({ isConntrackLiberal }: RulesetSettings): Rule[] {
  const stray = rule(
    [matchFlags(ct('state'), 'invalid'), verdict(drop)],
    'untranslated it would end the connection it strayed from',
  );
  return [isKnown(), ...(isConntrackLiberal ? [] : [stray]), rule([verdict(goTo('untranslated'))])];
}

/** What has come this far is at a port that the load balancer does not have. */
function balancerRules({ family, destination, sets }: Ruleset, { loadBalancerCidrs }: RulesetSettings): Rule[] {
  const isBalancer = matchSet(destination, sets.externalAddresses.name);
  return loadBalancerCidrs
    .filter((cidr) => (cidr.family === 4) === (family === 'ip'))
    .map((cidr) =>
      rule([matchPrefix(destination, formatCidr(cidr)), isBalancer, verdict(goTo('refuse'))], 'no such port'),
    );
}

function untranslatedRules(rules: Ruleset, settings: RulesetSettings): Rule[] {
  const { destination, sets } = rules;
  const { address } = rules.planes;
  return [
    isKnown(),
    rule([matchSet(destination, sets.addresses.name), verdict(goTo('refuse'))], 'no backends, or no such port'),
    rule([matchSet(address.frontend, address.sets.refused.name), verdict(goTo('refuse'))]),
    ...balancerRules(rules, settings),
    rule([matchSet(destination, sets.ranges.name), verdict(drop)], 'nobody has the address'),
  ];
}

function arrivingRules(rules: Ruleset, settings: RulesetSettings): Rule[] {
  const { family, destination, sets } = rules;
  const { address, port } = rules.planes;
  const isNodePort = [
    matchSet(port.frontend, port.sets.refused.name),
    matchValue(fib('daddr', 'type'), 'local'),
    matchSet(destination, sets.nodeAddresses.name),
  ];
  const isForeign = [matchValue(meta('iifname'), '"lo"', '!='), matchPrefix(destination, LOOPBACK)];
  return [
    isKnown(),
    rule([matchSet(address.frontend, address.sets.refused.name), verdict(goTo('refuse'))]),
    rule([...isNodePort, verdict(goTo('refuse'))]),
    ...balancerRules(rules, settings),
    // NodePorts at 127.0.0.1 need route_localnet, which opens what listens there to the neighbours (CVE-2020-8558).
    ...(family === 'ip' && settings.hasLocalhost ? [rule([...isForeign, verdict(drop)], 'from another machine')] : []),
  ];
}

function sourceRules({ family, source, destination, sets }: Ruleset, settings: RulesetSettings): Rule[] {
  const { mark } = settings;
  const isMarked = matchValue(bitwise(meta('mark'), '&', mark), formatHex(mark));
  const unmark = assign(meta('mark'), bitwise(meta('mark'), '^', mark));
  const isHairpin = matchSet({ kind: 'concat', fields: [source, destination] }, sets.hairpin.name);
  return [
    rule([isMarked, unmark, masquerade({ fullyRandom: true })], 'answers have to come back to this node'),
    rule([matchFlags(ct('status'), 'dnat'), isHairpin, masquerade()], 'to itself'),
    // With route_localnet the kernel may choose 127.0.0.1 for what goes to a cluster address by a route over lo.
    ...(family === 'ip' && settings.hasLocalhost
      ? [rule([matchFlags(ct('status'), 'dnat'), matchPrefix(source, LOOPBACK), masquerade()], 'from localhost')]
      : []),
  ];
}

/** Clients in the cluster, or all others; undefined where nothing is known of who is inside: then nobody is outside. */
function matchPods(
  rules: Ruleset,
  { podCidrs, podInterface }: RulesetSettings,
  operator: '==' | '!=',
): Statement | undefined {
  if (podInterface !== undefined) {
    const { name, isPrefix } = podInterface;
    return matchValue(meta('iifname'), `"${name}${isPrefix ? '*' : ''}"`, operator);
  }
  const isKnown = podCidrs.some((cidr) => (cidr.family === 4) === (rules.family === 'ip'));
  return isKnown ? matchSet(rules.source, rules.sets.pods.name, operator) : undefined;
}
