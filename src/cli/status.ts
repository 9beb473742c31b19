import process from 'node:process';
import { errorMessage } from '#base/errors.ts';
import type { Node } from '#api/generated/types.ts';
import { nodes } from '#api/resource.ts';
import { createClient } from '#client/api-client.ts';
import { httpsTransport } from '#client/https-transport.ts';
import { readConnection } from '#client/kubeconfig.ts';
import { contextName } from '#cluster/cluster-kubeconfig.ts';
import { isRunning } from '#cluster/process-table.ts';
import { readConfig, readRunInfo, type RunInfo, type StateDir } from '#cluster/state-dir.ts';
import { EXIT_NOT_READY } from './exit-codes.ts';
import { existingStateDir, oneOf, readOptions } from './options.ts';
import { table } from './table.ts';

interface Component {
  readonly name: string;
  readonly ready: boolean;
  readonly detail: string;
}

interface Report {
  readonly name: string;
  readonly status: 'ready' | 'not ready' | 'starting' | 'stopped';
  readonly server?: string;
  readonly context: string;
  readonly pid?: number;
  readonly startedAt?: string;
  readonly serviceCidr: string;
  readonly podCidr: string;
  readonly loadBalancerCidr: string;
  readonly dataDir: string;
  readonly components: readonly Component[];
}

/** Exit 0 only when everything is ready, so that scripts can wait on it. */
export async function status(args: readonly string[]): Promise<number> {
  const options = readOptions(args, { name: 'string', 'data-dir': 'string', output: 'string' });
  const output = oneOf('output', options.output, ['text', 'json'], 'text');
  const report = await inspect(existingStateDir(options));
  process.stdout.write(output === 'json' ? `${JSON.stringify(report, null, 2)}\n` : format(report));
  return report.status === 'ready' ? 0 : EXIT_NOT_READY;
}

async function inspect(dir: StateDir): Promise<Report> {
  const config = readConfig(dir);
  const name = config?.name ?? '';
  const info = readRunInfo(dir);
  const base = {
    name,
    context: contextName(name),
    serviceCidr: config?.serviceCidr ?? '',
    podCidr: config?.podCidr ?? '',
    loadBalancerCidr: config?.loadBalancerCidr ?? '',
    dataDir: dir.path,
  };
  if (info === undefined || !isRunning(info)) return { ...base, status: 'stopped', components: [] };
  const running = { ...base, pid: info.pid, startedAt: info.startedAt };
  if (info.apiPort === 0) return { ...running, status: 'starting', components: [] };
  const components = await inspectComponents(dir, info);
  return {
    ...running,
    status: components.every((component) => component.ready) ? 'ready' : 'not ready',
    server: `https://127.0.0.1:${info.apiPort}`,
    components,
  };
}

async function inspectComponents(dir: StateDir, info: RunInfo): Promise<readonly Component[]> {
  using transport = httpsTransport(readConnection(dir.kubeconfigFile));
  try {
    const answer = await transport.request({ method: 'GET', path: '/readyz', query: { verbose: '' } });
    const { items } = await createClient(transport).list(nodes);
    const server = { name: 'api-server', ready: answer.status === 200, detail: `127.0.0.1:${info.apiPort}` };
    return [server, ...readChecks(String(answer.body)), ...items.map(nodeComponent)];
  } catch (error) {
    return [{ name: 'api-server', ready: false, detail: errorMessage(error) }];
  }
}

/** Lines such as `[+]dns ok` and `[-]proxy failed: reason withheld`, as every Kubernetes API server prints them. */
function readChecks(text: string): readonly Component[] {
  return [...text.matchAll(/^\[([+-])\](\S+) (.*)$/gm)].map(([, sign, name = '', detail = '']) => ({
    name,
    ready: sign === '+',
    detail,
  }));
}

function nodeComponent(node: Node): Component {
  const ready = node.status.conditions?.find((condition) => condition.type === 'Ready')?.status === 'True';
  const address = node.status.addresses?.find(({ type }) => type === 'InternalIP')?.address ?? '';
  return { name: `node/${node.metadata.name}`, ready, detail: `${address} ${node.spec.podCIDR ?? ''}` };
}

function format(report: Report): string {
  const lines = [`cluster "${report.name}": ${report.status}`];
  if (report.server !== undefined) lines.push(`  server     ${report.server}`);
  lines.push(`  context    ${report.context}`, `  services   ${report.serviceCidr}`, `  pods       ${report.podCidr}`);
  lines.push(`  balancers  ${report.loadBalancerCidr}`);
  if (report.pid !== undefined) lines.push(`  pid        ${report.pid}, since ${report.startedAt ?? ''}`);
  lines.push(`  data       ${report.dataDir}`);
  if (report.components.length === 0) return `${lines.join('\n')}\n`;
  const rows = report.components.map(({ name, ready, detail }) => [name, ready ? 'ready' : 'not ready', detail]);
  return `${lines.join('\n')}\n${table(['COMPONENT', 'STATUS', 'DETAIL'], rows)}`;
}
