import assert from 'node:assert/strict';
import test from 'node:test';
import { categorizeEndpoints, type EndpointState } from './categorize.ts';

interface Named extends EndpointState {
  readonly name: string;
}

/** `a ready local`, `b serving terminating zone=z1,z2 node=n1`. */
function endpoint(line: string): Named {
  const [name = '', ...words] = line.split(' ');
  const list = (key: string): string[] =>
    words
      .find((word) => word.startsWith(`${key}=`))
      ?.slice(key.length + 1)
      .split(',') ?? [];
  const isReady = words.includes('ready');
  return {
    name,
    isReady,
    isServing: isReady || words.includes('serving'),
    isTerminating: words.includes('terminating'),
    isLocal: words.includes('local'),
    nodeHints: list('node'),
    zoneHints: list('zone'),
  };
}

const cases: readonly { name: string; policy?: string; endpoints: readonly string[]; expected: string }[] = [
  { name: 'nothing', endpoints: [], expected: 'cluster - local - none' },
  { name: 'ready ones', endpoints: ['a ready', 'b ready'], expected: 'cluster a,b local - any' },
  { name: 'not ready ones do not count', endpoints: ['a', 'b ready'], expected: 'cluster b local - any' },
  { name: 'none ready', endpoints: ['a', 'b'], expected: 'cluster - local - none' },
  {
    name: 'ready ones go before terminating ones',
    endpoints: ['a ready', 'b serving terminating'],
    expected: 'cluster a local - any',
  },
  {
    name: 'terminating ones that serve are better than none',
    endpoints: ['a', 'b serving terminating', 'c terminating'],
    expected: 'cluster b local - any',
  },
  {
    name: 'zone hints that all have, one for us',
    endpoints: ['a ready zone=z1', 'b ready zone=z2', 'c ready zone=z1,z2'],
    expected: 'cluster a,c local - any',
  },
  {
    name: 'zone hints that one lacks',
    endpoints: ['a ready zone=z1', 'b ready'],
    expected: 'cluster a,b local - any',
  },
  {
    name: 'zone hints for others only',
    endpoints: ['a ready zone=z2', 'b ready zone=z3'],
    expected: 'cluster a,b local - any',
  },
  {
    name: 'an endpoint that is not ready needs no hint',
    endpoints: ['a ready zone=z1', 'b ready zone=z2', 'c'],
    expected: 'cluster a local - any',
  },
  {
    name: 'node hints go before zone hints',
    endpoints: ['a ready zone=z1 node=n1', 'b ready zone=z1 node=n2'],
    expected: 'cluster a local - any',
  },
  {
    name: 'node hints for others only leave the zone hints',
    endpoints: ['a ready zone=z1 node=n2', 'b ready zone=z2 node=n3'],
    expected: 'cluster a local - any',
  },
  {
    name: 'terminating ones are not filtered by hints',
    endpoints: ['a serving terminating zone=z2'],
    expected: 'cluster a local - any',
  },
  {
    name: 'local policy',
    policy: 'local',
    endpoints: ['a ready local', 'b ready', 'c serving terminating local'],
    expected: 'cluster - local a any',
  },
  {
    name: 'local policy, ready ones elsewhere',
    policy: 'local',
    endpoints: ['a ready', 'b local'],
    expected: 'cluster - local - any',
  },
  {
    name: 'local policy, the local one is terminating',
    policy: 'local',
    endpoints: ['a ready', 'b serving terminating local'],
    expected: 'cluster - local b any',
  },
  {
    name: 'local policy, only a terminating one elsewhere',
    policy: 'local',
    endpoints: ['a serving terminating'],
    expected: 'cluster - local - any',
  },
  { name: 'local policy, nothing', policy: 'local', endpoints: ['a local'], expected: 'cluster - local - none' },
  {
    name: 'both policies',
    policy: 'both',
    endpoints: ['a ready local', 'b ready'],
    expected: 'cluster a,b local a any',
  },
  {
    name: 'both policies, local ones terminating',
    policy: 'both',
    endpoints: ['a serving terminating local', 'b ready'],
    expected: 'cluster b local a any',
  },
  {
    name: 'both policies, hints leave the local one to local traffic',
    policy: 'both',
    endpoints: ['a ready local zone=z2', 'b ready zone=z1'],
    expected: 'cluster b local a any',
  },
];

for (const { name, policy = 'cluster', endpoints, expected } of cases) {
  test(`categorizeEndpoints() with ${name}`, () => {
    const result = categorizeEndpoints(endpoints.map(endpoint), {
      usesClusterEndpoints: policy !== 'local',
      usesLocalEndpoints: policy !== 'cluster',
      nodeName: 'n1',
      zone: 'z1',
    });
    const names = (list: readonly Named[]): string => list.map((one) => one.name).join(',') || '-';
    const any = result.hasAny ? 'any' : 'none';
    assert.equal(`cluster ${names(result.cluster)} local ${names(result.local)} ${any}`, expected);
  });
}
