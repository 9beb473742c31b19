import type { Pod } from '#api/generated/types.ts';
import { kubeletMetrics, resourceMetrics } from '../stats/resource-metrics.ts';
import type { StatsSummary } from '../stats/stats-summary.ts';

export interface NodePage {
  readonly contentType: string;
  readonly body: string;
}

/** Where pages come from; both have nothing for a node that is not known. */
interface NodeSources {
  readonly nodeName: string;
  readonly summary: () => StatsSummary | undefined;
  readonly pods: () => readonly Pod[] | undefined;
}

function podList(items: readonly object[] | undefined): NodePage | undefined {
  const list = { kind: 'PodList', apiVersion: 'v1', metadata: {}, items };
  return items && { contentType: 'application/json', body: JSON.stringify(list) };
}

/** A Pod as a runtime knows it: its name, and the containers that run. */
function runningPart({ metadata, spec, status }: Pod): readonly object[] {
  const states = [...(status?.initContainerStatuses ?? []), ...(status?.containerStatuses ?? [])];
  const running = new Set(states.flatMap(({ name, state }) => (state?.running === undefined ? [] : [name])));
  const containers = [...(spec.initContainers ?? []), ...spec.containers]
    .filter(({ name }) => running.has(name))
    .map(({ name, image }) => ({ name, image, resources: {} }));
  const { name, namespace, uid } = metadata;
  return containers.length === 0 ? [] : [{ metadata: { name, namespace, uid }, spec: { containers }, status: {} }];
}

const METRICS = 'text/plain; version=0.0.4; charset=utf-8';

/** What a kubelet says of itself, on its paths. Undefined where there is no such page, or no such node. */
export function nodePage(target: string, { nodeName, summary, pods }: NodeSources): NodePage | undefined {
  switch (URL.parse(target, 'http://node')?.pathname) {
    case '/healthz':
      return { contentType: 'text/plain; charset=utf-8', body: 'ok' };
    case '/pods':
      return podList(pods());
    case '/runningpods':
    case '/runningpods/':
      return podList(pods()?.flatMap(runningPart));
    case '/stats/summary': {
      const value = summary();
      return value && { contentType: 'application/json', body: `${JSON.stringify(value, null, 1)}\n` };
    }
    case '/metrics': {
      const items = pods();
      return items && { contentType: METRICS, body: kubeletMetrics(nodeName, items) };
    }
    case '/metrics/resource': {
      const value = summary();
      return value && { contentType: METRICS, body: resourceMetrics(value) };
    }
    default:
      return undefined;
  }
}
