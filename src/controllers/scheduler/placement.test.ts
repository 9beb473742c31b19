import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Node, Pod } from '#api/generated/types.ts';
import { viewAffinity } from './affinity.ts';
import { viewClaims } from './claims.ts';
import { applicantFor } from './cycle.ts';
import { bestNode } from './score.ts';
import { type Candidate, NodeLoad } from './node-load.ts';
import { viewSpread } from './spread.ts';

const HOST = 'kubernetes.io/hostname';
const ZONE = 'topology.kubernetes.io/zone';
const app = (value: string): object => ({ matchLabels: { app: value } });

let count = 0;

function pod(value: string, spec: object = {}, namespace = 'd'): Pod {
  const metadata = { namespace, name: `p${count++}`, labels: { app: value } };
  return { metadata, spec: { containers: [], ...spec } } as unknown as Pod;
}

const term = (value: string, topologyKey: string, more: object = {}): object => ({
  labelSelector: app(value),
  topologyKey,
  ...more,
});
const near = (...terms: object[]): object => ({
  affinity: { podAffinity: { requiredDuringSchedulingIgnoredDuringExecution: terms } },
});
const far = (...terms: object[]): object => ({
  affinity: { podAntiAffinity: { requiredDuringSchedulingIgnoredDuringExecution: terms } },
});
const rather = (kind: string, weight: number, podAffinityTerm: object): object => ({
  affinity: { [kind]: { preferredDuringSchedulingIgnoredDuringExecution: [{ weight, podAffinityTerm }] } },
});
const spread = (topologyKey: string, more: object = {}): object => ({
  topologySpreadConstraints: [
    { maxSkew: 1, topologyKey, whenUnsatisfiable: 'DoNotSchedule', labelSelector: app('web'), ...more },
  ],
});

type Placed = Readonly<Record<string, readonly Pod[]>>;

/** a1 and a2 are in zone a, b1 in zone b, x in none. */
function cluster(placed: Placed): Candidate[] {
  return ['a1', 'a2', 'b1', 'x'].map((name) => {
    const load = new NodeLoad();
    for (const found of placed[name] ?? []) load.add(found);
    const zone = name === 'x' ? {} : { [ZONE]: name.charAt(0) };
    return { node: { metadata: { name, labels: { [HOST]: name, ...zone } }, spec: {} } as unknown as Node, load };
  });
}

const NEAR = "node(s) didn't match pod affinity rules";
const FAR = "node(s) didn't match pod anti-affinity rules";
const KEPT_AWAY = "node(s) didn't satisfy existing pods anti-affinity rules";
const SKEWED = "node(s) didn't match pod topology spread constraints";
const UNLABELLED = `${SKEWED} (missing required label)`;

const cases: readonly { name: string; pod: Pod; placed?: Placed; fits: string; why?: string[] }[] = [
  { name: 'nobody', pod: pod('web'), fits: 'a1 a2 b1 x' },
  {
    name: 'the zone of another',
    pod: pod('web', near(term('db', ZONE))),
    placed: { a1: [pod('db')] },
    fits: 'a1 a2',
    why: [NEAR],
  },
  { name: 'another that is nowhere', pod: pod('web', near(term('db', ZONE))), fits: '', why: [NEAR] },
  {
    name: 'its own kind, of which it is the first',
    pod: pod('web', near(term('web', ZONE))),
    fits: 'a1 a2 b1',
    why: [NEAR],
  },
  {
    name: 'its own kind',
    pod: pod('web', near(term('web', ZONE))),
    placed: { b1: [pod('web')] },
    fits: 'b1',
    why: [NEAR],
  },
  {
    name: 'another namespace it did not ask for',
    pod: pod('web', near(term('db', ZONE))),
    placed: { a1: [pod('db', {}, 'e')] },
    fits: '',
    why: [NEAR],
  },
  {
    name: 'a namespace by name',
    pod: pod('web', near(term('db', HOST, { namespaces: ['e'] }))),
    placed: { a1: [pod('db', {}, 'e')], a2: [pod('db')] },
    fits: 'a1',
    why: [NEAR],
  },
  {
    name: 'namespaces by label',
    pod: pod('web', near(term('db', HOST, { namespaceSelector: { matchLabels: { name: 'e' } } }))),
    placed: { a1: [pod('db', {}, 'e')], a2: [pod('db')] },
    fits: 'a1',
    why: [NEAR],
  },
  {
    name: 'a node of its own',
    pod: pod('web', far(term('web', HOST))),
    placed: { a1: [pod('web')] },
    fits: 'a2 b1 x',
    why: [FAR],
  },
  {
    name: 'a zone of its own',
    pod: pod('web', far(term('web', ZONE))),
    placed: { a1: [pod('web')] },
    fits: 'b1 x',
    why: [FAR],
  },
  {
    name: 'none that keep it away',
    pod: pod('web'),
    placed: { a1: [pod('db', far(term('web', ZONE)))] },
    fits: 'b1 x',
    why: [KEPT_AWAY],
  },
  {
    name: 'an even spread over zones',
    pod: pod('web', spread(ZONE)),
    placed: { a1: [pod('web')] },
    fits: 'b1',
    why: [SKEWED, UNLABELLED],
  },
  {
    name: 'a spread that allows more',
    pod: pod('web', spread(ZONE, { maxSkew: 2 })),
    placed: { a1: [pod('web')] },
    fits: 'a1 a2 b1',
    why: [UNLABELLED],
  },
  {
    name: 'an even spread over nodes',
    pod: pod('web', spread(HOST)),
    placed: { a1: [pod('web')], x: [pod('web')] },
    fits: 'a2 b1',
    why: [SKEWED],
  },
  {
    name: 'a spread over the nodes that it may go to',
    pod: pod('web', { ...spread(HOST), nodeSelector: { [ZONE]: 'a' } }),
    placed: { a1: [pod('web')], a2: [pod('web')] },
    // The node selector itself is for others to see to.
    fits: 'a1 a2 b1 x',
  },
  {
    name: 'more domains than there are',
    pod: pod('web', spread(ZONE, { minDomains: 3 })),
    placed: { a1: [pod('web')], b1: [pod('web')] },
    fits: '',
    why: [SKEWED, UNLABELLED],
  },
  {
    name: 'a spread of others only',
    pod: pod('web', spread(ZONE)),
    placed: { a1: [pod('db')] },
    fits: 'a1 a2 b1',
    why: [UNLABELLED],
  },
];

for (const c of cases) {
  test(`a Pod that wants ${c.name} fits ${c.fits === '' ? 'nowhere' : c.fits}`, () => {
    const all = cluster(c.placed ?? {});
    const affinity = viewAffinity(c.pod, all, (name) => ({ name }));
    const view = viewSpread(c.pod, all);
    const refusals = all.map((candidate) => view.refusal(candidate) ?? affinity.refusal(candidate));
    const reasons = refusals.map((refusal) => refusal?.reasons[0]);
    const fits = all.filter((_, i) => reasons[i] === undefined).map(({ node }) => node.metadata.name);
    const why = [...new Set(reasons.filter((reason) => reason !== undefined))].sort();
    assert.deepEqual([fits.join(' '), why], [c.fits, c.why ?? []]);
  });
}

const wishes = [
  {
    name: 'be near',
    pod: pod('web', rather('podAffinity', 10, term('db', ZONE))),
    placed: { b1: [pod('db')] },
    is: 'b1',
  },
  {
    name: 'be far',
    pod: pod('web', rather('podAntiAffinity', 10, term('db', ZONE))),
    placed: { a1: [pod('db')], x: [pod('z')] },
    is: 'b1',
  },
  {
    name: 'be spread',
    pod: pod('web', spread(ZONE, { whenUnsatisfiable: 'ScheduleAnyway' })),
    placed: { a1: [pod('web')], x: [pod('z'), pod('z')] },
    is: 'b1',
  },
];

for (const c of wishes) {
  test(`bestNode() of a Pod that would rather ${c.name}`, () => {
    const all = cluster(c.placed);
    const around = { candidates: all, labelsOf: () => ({}) };
    const applicant = applicantFor(c.pod, viewClaims(c.pod, {} as never), around);
    assert.equal(bestNode(applicant, all)?.node.metadata.name, c.is);
  });
}
