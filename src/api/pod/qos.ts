import type * as t from '../generated/types.ts';

/** Guaranteed: every container limits cpu and memory to what it requests. BestEffort: none requests anything. */
export function qosClassOf(spec: t.PodSpec): 'Guaranteed' | 'Burstable' | 'BestEffort' {
  const containers = [...spec.containers, ...(spec.initContainers ?? [])];
  const named = (amounts: Readonly<Record<string, string>> | undefined): Readonly<Record<string, string>> => {
    const entries = Object.entries(amounts ?? {});
    return Object.fromEntries(entries.filter(([name, amount]) => /^(cpu|memory)$/.test(name) && amount !== '0'));
  };
  const resources = containers.map(({ resources = {} }) => ({
    limits: named(resources.limits),
    requests: named(resources.requests),
  }));
  const none = resources.every(({ limits, requests }) => Object.keys({ ...limits, ...requests }).length === 0);
  if (none) return 'BestEffort';
  const all = resources.every(({ limits, requests }) =>
    ['cpu', 'memory'].every((name) => limits[name] !== undefined && limits[name] === (requests[name] ?? limits[name])),
  );
  return all ? 'Guaranteed' : 'Burstable';
}
