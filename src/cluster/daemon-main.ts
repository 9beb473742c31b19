/** The process that is a cluster: first in namespaces of its own, so that nothing of the cluster outlives it. */
import { writeSync } from 'node:fs';
import { stat } from 'node:fs/promises';
import process from 'node:process';
import { rfc3339, systemClock } from '#base/clock.ts';
import { CodedError, errorCode, errorMessage } from '#base/errors.ts';
import { formatRecord, type LogRecord } from '#base/log.ts';
import { startCluster, type RunningCluster } from './cluster.ts';
import type { DaemonMessage } from './daemon-message.ts';
import { outgrowSmallHeap } from './heap-agent.ts';
import { readPki } from './pki.ts';
import { readConfig, stateDirAt } from './state-dir.ts';

const LOG_FD = 2;
/** Where the process that launched us listens until we are ready. */
const REPORT_FD = 3;

function report(message: DaemonMessage): void {
  try {
    writeSync(REPORT_FD, `${JSON.stringify(message)}\n`);
  } catch (error) {
    // The launcher has gone; what we do does not depend on it.
    if (errorCode(error) !== 'EPIPE') throw error;
  }
}

function log(record: LogRecord): void {
  if (record.level === 'debug' && process.env['CLUSTERIP_DEBUG'] === undefined) return;
  try {
    writeSync(LOG_FD, `${rfc3339(systemClock.now())} ${formatRecord(record)}\n`);
  } catch {
    // A disk that is full takes no log; a stream would break for good over it, and the cluster with it.
  }
}

/** The launcher makes the keys of a new cluster, and closes our standard input when they are there (or when it ends). */
function launcherDone(): Promise<void> {
  return new Promise((resolve) => {
    process.stdin.once('close', () => resolve());
    process.stdin.resume();
  });
}

async function run(path: string): Promise<void> {
  const began = systemClock.monotonic();
  const dir = stateDirAt(path);
  const config = readConfig(dir);
  if (config === undefined) throw new CodedError('ESTATEDIR', `Cannot find a cluster in "${path}"`);
  // The pool's threads are born with the first asynchronous call, on the network of the thread that makes it: here, the
  // host's, where names are looked up.
  await stat('/');
  outgrowSmallHeap();
  let cluster: RunningCluster | undefined;
  let stopping = false;
  const stop = (): void => {
    if (stopping) return;
    stopping = true;
    void (cluster?.stop() ?? Promise.resolve()).finally(() => process.exit(0));
  };
  process.on('SIGTERM', stop);
  process.on('SIGINT', stop);
  cluster = await startCluster({
    dir,
    config,
    clock: systemClock,
    keys: launcherDone().then(() => readPki(dir.pkiDir)),
    log,
    onProgress: (text) => report({ kind: 'progress', text }),
    onFailure: (error) => {
      log({ level: 'error', room: 'cluster', message: errorMessage(error), fields: {} });
      process.exit(1);
    },
  });
  report({
    kind: 'ready',
    apiPort: cluster.apiPort,
    milliseconds: Math.round(systemClock.monotonic() - began),
    notices: cluster.notices,
  });
}

try {
  await run(process.argv[2] ?? '');
} catch (error) {
  process.stderr.write(`${(error as Error).stack ?? String(error)}\n`);
  const hint = error instanceof CodedError ? error.hint : undefined;
  report({ kind: 'failed', code: errorCode(error) ?? 'EFAILED', message: errorMessage(error), hint });
  process.exit(1);
}
