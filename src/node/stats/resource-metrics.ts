import type { Pod } from '#api/generated/types.ts';
import type { StatsSummary } from './stats-summary.ts';

/** `/metrics/resource` of a kubelet (KEP-727): what metrics-server reads. */
export function resourceMetrics({ node, pods }: StatsSummary): string {
  const containers = pods.flatMap(({ podRef, containers: list }) =>
    list.map(({ name, cpu, memory, startTime }) => ({
      labels: labelsOf({ container: name, namespace: podRef.namespace, pod: podRef.name }),
      cpu,
      memory,
      started: Date.parse(startTime) / 1000,
    })),
  );
  const ofPods = pods.map(({ podRef, cpu, memory }) => ({
    labels: labelsOf({ namespace: podRef.namespace, pod: podRef.name }),
    cpu,
    memory,
  }));
  const seconds = ({ usageCoreNanoSeconds }: { readonly usageCoreNanoSeconds: number }): number =>
    usageCoreNanoSeconds / 1e9;
  return [
    family(
      'container_cpu_usage_seconds_total',
      'counter',
      containers.map(({ labels, cpu }) => [labels, seconds(cpu)]),
    ),
    family(
      'container_memory_working_set_bytes',
      'gauge',
      containers.map(({ labels, memory }) => [labels, memory.workingSetBytes]),
    ),
    family(
      'container_start_time_seconds',
      'gauge',
      containers.map(({ labels, started }) => [labels, started]),
    ),
    family('node_cpu_usage_seconds_total', 'counter', [['', seconds(node.cpu)]]),
    family('node_memory_working_set_bytes', 'gauge', [['', node.memory.workingSetBytes]]),
    family(
      'pod_cpu_usage_seconds_total',
      'counter',
      ofPods.map(({ labels, cpu }) => [labels, seconds(cpu)]),
    ),
    family(
      'pod_memory_working_set_bytes',
      'gauge',
      ofPods.map(({ labels, memory }) => [labels, memory.workingSetBytes]),
    ),
    family('scrape_error', 'gauge', [['', 0]]),
  ].join('');
}

/** Of `/metrics` of a kubelet, what can be said here. */
export function kubeletMetrics(nodeName: string, pods: readonly Pod[]): string {
  const running = pods.flatMap(({ status }) => (status?.phase === 'Running' ? [status] : []));
  const states = { running: 0, exited: 0 };
  for (const { containerStatuses = [], initContainerStatuses = [] } of running) {
    for (const { state } of [...containerStatuses, ...initContainerStatuses]) {
      if (state?.running !== undefined) states.running++;
      else if (state?.terminated !== undefined) states.exited++;
    }
  }
  return [
    family('kubelet_node_name', 'gauge', [[labelsOf({ node: nodeName }), 1]]),
    family(
      'kubelet_running_containers',
      'gauge',
      Object.entries(states).map(([state, count]) => [labelsOf({ container_state: state }), count]),
    ),
    family('kubelet_running_pods', 'gauge', [['', running.length]]),
  ].join('');
}

function family(name: string, type: string, samples: readonly (readonly [labels: string, value: number])[]): string {
  return `# TYPE ${name} ${type}\n${samples.map(([labels, value]) => `${name}${labels} ${value}\n`).join('')}`;
}

function labelsOf(labels: Readonly<Record<string, string>>): string {
  return `{${Object.entries(labels)
    .map(([name, value]) => `${name}=${JSON.stringify(value)}`)
    .join(',')}}`;
}
