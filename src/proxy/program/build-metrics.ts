import process from 'node:process';
import type { Metric } from '#base/exposition.ts';

export interface BuildInfo {
  readonly version: string;
  /** The level of Kubernetes whose behaviour this is: `v1.34.2`. */
  readonly kubernetesVersion: string;
}

/** kubernetes_build_info with the labels of component-base; what a program that is not compiled has not is empty. */
export function buildMetrics({ version, kubernetesVersion }: BuildInfo): readonly Metric[] {
  const [, major = '', minor = ''] = /^v(\d+)\.(\d+)/.exec(kubernetesVersion) ?? [];
  const arch = process.arch === 'x64' ? 'amd64' : process.arch;
  const labels = {
    build_date: '',
    compiler: 'node',
    git_commit: '',
    git_tree_state: '',
    git_version: kubernetesVersion,
    go_version: '',
    major,
    minor,
    platform: `${process.platform}/${arch}`,
  };
  const one = (name: string, help: string, of: Readonly<Record<string, string>>): Metric => ({
    name,
    help,
    type: 'gauge',
    samples: [{ labels: of, value: 1 }],
  });
  return [
    one('kubernetes_build_info', 'The version of Kubernetes whose behaviour this is.', labels),
    one('clusterip_build_info', 'What runs.', { version, node_version: process.version }),
  ];
}
