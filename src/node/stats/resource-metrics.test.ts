import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Pod } from '#api/generated/types.ts';
import { kubeletMetrics } from './resource-metrics.ts';

test('kubeletMetrics() counts what runs', () => {
  const pod = (phase: string, ...states: readonly string[]): Pod =>
    ({
      metadata: { name: 'p' },
      spec: { containers: [] },
      status: { phase, containerStatuses: states.map((state) => ({ name: 'c', state: { [state]: {} } })) },
    }) as unknown as Pod;
  const pods = [
    pod('Running', 'running', 'terminated'),
    pod('Running', 'running', 'waiting'),
    pod('Pending', 'waiting'),
  ];
  assert.equal(
    kubeletMetrics('node-1', pods),
    `\
# TYPE kubelet_node_name gauge
kubelet_node_name{node="node-1"} 1
# TYPE kubelet_running_containers gauge
kubelet_running_containers{container_state="running"} 2
kubelet_running_containers{container_state="exited"} 1
# TYPE kubelet_running_pods gauge
kubelet_running_pods 2
`,
  );
});
