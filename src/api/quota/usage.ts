import type * as t from '../generated/types.ts';
import type { KubeObject } from '../object.ts';
import { qosClassOf } from '../pod/qos.ts';
import { persistentVolumeClaims, pods, type Resource, services } from '../resource.ts';
import { type Amounts, count, whole } from './amounts.ts';
import { podAmounts } from './pod-amounts.ts';
import { isExtended, isHugePages } from './resource-names.ts';
import { scopesFit } from './scope.ts';

type Group = Pick<Resource, 'group' | 'plural'>;

function is({ group, plural }: Group, of: Group): boolean {
  return group === of.group && plural === of.plural;
}

/** What an object takes out of quotas, by the names of these. */
export function usageOf(resource: Group, object: KubeObject): Amounts {
  const { group, plural } = resource;
  const counted = count(`count/${plural}${group === '' ? '' : `.${group}`}`);
  if (is(resource, pods)) return new Map([...counted, ...podUsage(object as t.Pod)]);
  if (is(resource, services)) return new Map([...counted, ...serviceUsage(object as t.Service)]);
  if (is(resource, persistentVolumeClaims))
    return new Map([...counted, ...claimUsage(object as t.PersistentVolumeClaim)]);
  return new Map([...counted, ...(group === '' ? count(plural) : [])]);
}

/** Pods that have ended take nothing any more. */
export function hasEnded({ status }: t.Pod): boolean {
  return status?.phase === 'Succeeded' || status?.phase === 'Failed';
}

function podUsage(pod: t.Pod): Iterable<readonly [string, bigint]> {
  if (hasEnded(pod)) return [];
  return [...count('pods'), ...computeUsage(podAmounts(pod.spec, 'requests'), podAmounts(pod.spec, 'limits'))];
}

const COMPUTE = ['cpu', 'memory', 'ephemeral-storage'];

function computeUsage(requests: Amounts, limits: Amounts): Map<string, bigint> {
  const usage = new Map<string, bigint>();
  for (const [name, amount] of requests) {
    if (COMPUTE.includes(name) || isHugePages(name)) usage.set(name, amount);
    if (COMPUTE.includes(name) || isHugePages(name) || isExtended(name)) usage.set(`requests.${name}`, amount);
  }
  for (const [name, amount] of limits) if (COMPUTE.includes(name)) usage.set(`limits.${name}`, amount);
  return usage;
}

function serviceUsage({ spec }: t.Service): [string, bigint][] {
  const ports = (spec.ports ?? []).length;
  const isBalanced = spec.type === 'LoadBalancer';
  const hasPorts = spec.type === 'NodePort' || (isBalanced && spec.allocateLoadBalancerNodePorts !== false);
  return [
    ...count('services'),
    ['services.nodeports', whole(hasPorts ? ports : 0)],
    ['services.loadbalancers', whole(isBalanced ? 1 : 0)],
  ];
}

function claimUsage({ spec }: t.PersistentVolumeClaim): [string, bigint][] {
  const storage = podStorage(spec);
  const usage: [string, bigint][] = [...count('persistentvolumeclaims'), ['requests.storage', storage]];
  const name = spec.storageClassName ?? '';
  if (name === '') return usage;
  const prefix = `${name}.storageclass.storage.k8s.io`;
  return [...usage, ...count(`${prefix}/persistentvolumeclaims`), [`${prefix}/requests.storage`, storage]];
}

function podStorage({ resources }: t.PersistentVolumeClaimSpec): bigint {
  const containers = [{ name: '', resources: { requests: resources?.requests } }];
  return podAmounts({ containers }, 'requests').get('storage') ?? 0n;
}

/** Whether a quota counts an object at all: scopes choose among Pods. */
export function quotaCounts(spec: t.ResourceQuotaSpec, resource: Group, object: KubeObject): boolean {
  const isScoped = (spec.scopes ?? []).length > 0 || (spec.scopeSelector?.matchExpressions ?? []).length > 0;
  if (!isScoped) return true;
  if (!is(resource, pods)) return false;
  const pod = object as t.Pod;
  return scopesFit(spec, pod, qosClassOf(pod.spec) === 'BestEffort');
}

const REQUIRED = ['cpu', 'memory', 'requests.cpu', 'requests.memory', 'limits.cpu', 'limits.memory'];

/** Who counts cpu or memory wants every container to say how much; the text of what is missing. */
export function missingAmounts({ spec }: t.Pod, hard: Iterable<string>): string | undefined {
  const required = [...hard].filter((name) => REQUIRED.includes(name)).toSorted();
  const containers = [...spec.containers, ...(spec.initContainers ?? [])];
  const missing = required.flatMap((name) => {
    const without = containers.filter((container) => {
      const alone = { containers: [container] };
      return !computeUsage(podAmounts(alone, 'requests'), podAmounts(alone, 'limits')).has(name);
    });
    const names = [...new Set(without.map((container) => container.name))].toSorted();
    return names.length === 0 ? [] : [`${name} for: ${names.join(',')}`];
  });
  return missing.length === 0 ? undefined : `must specify ${missing.join('; ')}`;
}
