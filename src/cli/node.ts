import process from 'node:process';
import { CodedError } from '#base/errors.ts';
import type { ListedNode } from '#cluster/control.ts';
import { askCluster } from '#cluster/control-socket.ts';
import { parseLabels } from '#cluster/members.ts';
import { planNetwork } from '#cluster/network-plan.ts';
import { isUp } from '#cluster/process-table.ts';
import { readConfig, type StateDir } from '#cluster/state-dir.ts';
import { type Action, chosenAction } from './action.ts';
import { existingStateDir, oneOf, readCommandLine, text } from './options.ts';
import { table } from './table.ts';
import { usageError } from './usage-error.ts';

interface Request {
  readonly dir: StateDir;
  readonly words: readonly string[];
  readonly output: 'text' | 'json';
  readonly labels: Readonly<Record<string, string>>;
}

const ACTIONS: Readonly<Record<string, Action<Request>>> = {
  list: { act: list, most: 0 },
  add: { act: add, most: 1, option: 'labels' },
  remove: { act: (request) => each(request, 'node-remove', 'removed'), most: Infinity },
  stop: { act: (request) => each(request, 'node-stop', 'stopped'), most: Infinity },
  start: { act: (request) => each(request, 'node-start', 'started'), most: Infinity },
};

/** Nodes of one cluster. */
export async function node(args: readonly string[]): Promise<number> {
  const { options, words } = readCommandLine(args, {
    name: 'string',
    'data-dir': 'string',
    labels: 'string',
    output: 'string',
  });
  const output = oneOf('output', options.output, ['text', 'json'], 'text');
  const action = chosenAction(ACTIONS, { command: 'node', words, options });
  const labels = parseLabels('labels', text(options.labels) ?? '');
  await action.act({ dir: existingStateDir(options), words: action.words, output, labels });
  return 0;
}

async function list({ dir, output }: Request): Promise<void> {
  const nodes = isUp(dir) ? await askCluster(dir, { kind: 'node-list' }) : plannedNodes(dir);
  if (output === 'json') {
    printJson(nodes);
    return;
  }
  const rows = nodes.map(({ name, status, addresses, podCidrs, labels }) => [
    name,
    status,
    addresses.join(','),
    podCidrs.join(','),
    Object.entries(labels)
      .map(([key, value]) => `${key}=${value}`)
      .join(',') || '-',
  ]);
  process.stdout.write(table(['NODE', 'STATUS', 'ADDRESS', 'PODS', 'LABELS'], rows));
}

/** Of a cluster that is down: what it will have with the next `up`. */
function plannedNodes(dir: StateDir): readonly ListedNode[] {
  const config = readConfig(dir);
  return config === undefined ? [] : planNetwork(config).nodes.map((plan) => ({ ...plan, status: 'stopped' }));
}

async function add({ dir, words, output, labels }: Request): Promise<void> {
  const [name] = words;
  requireUp(dir);
  const added = await askCluster(dir, { kind: 'node-add', labels, ...(name === undefined ? {} : { name }) });
  if (output === 'json') printJson(added);
  else
    process.stdout.write(
      `added node "${added.name}": ${added.addresses.join(', ')}, Pods ${added.podCidrs.join(', ')}\n`,
    );
}

async function each(
  { dir, words, output }: Request,
  kind: 'node-remove' | 'node-stop' | 'node-start',
  done: string,
): Promise<void> {
  if (words.length === 0) throw usageError(`Cannot tell which node is meant: name one`);
  requireUp(dir);
  const names = await askCluster(dir, { kind, names: words });
  if (output === 'json') printJson(names);
  else for (const name of names) process.stdout.write(`${done} node "${name}"\n`);
}

function requireUp(dir: StateDir): void {
  if (isUp(dir)) return;
  throw new CodedError('ENOTRUNNING', 'Cannot change the nodes: the cluster is not running', {
    hint: 'start it with clusterip up; --nodes says how many it then has',
  });
}

function printJson(value: unknown): void {
  process.stdout.write(`${JSON.stringify(value, null, 2)}\n`);
}
