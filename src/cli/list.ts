import process from 'node:process';
import { join } from 'node:path';
import { isRunning } from '#cluster/process-table.ts';
import { listStateDirs, readConfig, readRunInfo, stateDirAt, stateRoot } from '#cluster/state-dir.ts';
import { errorMessage } from '#base/errors.ts';
import { oneOf, readOptions } from './options.ts';
import { table } from './table.ts';

interface Row {
  readonly name: string;
  readonly status: string;
  readonly nodes: number | undefined;
  readonly server: string | undefined;
  readonly dataDir: string;
}

export async function list(args: readonly string[]): Promise<number> {
  const options = readOptions(args, { output: 'string' });
  const output = oneOf('output', options.output, ['text', 'json'], 'text');
  const rows = listStateDirs().map(describe);
  if (output === 'json') {
    process.stdout.write(`${JSON.stringify(rows, null, 2)}\n`);
  } else if (rows.length === 0) {
    process.stderr.write('There are no clusters; start one with clusterip up.\n');
  } else {
    const cells = rows.map((row) => [row.name, row.status, String(row.nodes ?? '-'), row.server ?? '-', row.dataDir]);
    process.stdout.write(table(['NAME', 'STATUS', 'NODES', 'SERVER', 'DATA'], cells));
  }
  return Promise.resolve(0);
}

function describe(name: string): Row {
  const dir = stateDirAt(join(stateRoot(), name));
  const info = readRunInfo(dir);
  const running = info !== undefined && isRunning(info);
  try {
    const config = readConfig(dir);
    return {
      name,
      status: running ? (info.apiPort === 0 ? 'starting' : 'running') : 'stopped',
      nodes: config?.nodes,
      server: running && info.apiPort !== 0 ? `https://127.0.0.1:${info.apiPort}` : undefined,
      dataDir: dir.path,
    };
  } catch (error) {
    return {
      name,
      status: `unreadable: ${errorMessage(error)}`,
      nodes: undefined,
      server: undefined,
      dataDir: dir.path,
    };
  }
}
