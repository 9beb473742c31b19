import { spawn, type ChildProcess } from 'node:child_process';
import { closeSync, openSync } from 'node:fs';
import process from 'node:process';
import { createInterface } from 'node:readline';
import type { Readable } from 'node:stream';
import { fileURLToPath } from 'node:url';
import { CodedError } from '#base/errors.ts';
import { moveToLeaf } from '#node/cgroup/cgroup-tree-sync.ts';
import type { DaemonMessage } from './daemon-message.ts';
import { SMALL_HEAP_FLAGS } from './heap-agent.ts';
import { unshareArguments } from './host-check.ts';
import { childrenOf, processStart } from './process-table.ts';
import { removeRunInfo, writeRunInfo, type StateDir } from './state-dir.ts';

export interface Launched {
  /** What the daemon reports until it is ready; ends when the daemon does. */
  readonly messages: AsyncIterable<DaemonMessage>;
  /** Resolves when the daemon and everything in its namespaces have ended. */
  readonly exited: Promise<void>;
  /** Lets this process end while the daemon goes on. */
  detach(): void;
  /** Ends the daemon and every process of the cluster at once. */
  kill(): void;
}

export interface LaunchOptions {
  /** Makes the cluster's keys, beside the start of the daemon, which waits for them. */
  readonly keys: () => Promise<void>;
  /** RFC 3339. */
  readonly startedAt: string;
}

/** Starts the daemon of a cluster in namespaces of its own. The daemon reads its configuration from the state directory. */
export function launchDaemon(dir: StateDir, { keys, startedAt }: LaunchOptions): Launched {
  const flags = unshareArguments();
  moveToLeaf();
  const log = openSync(dir.logFile, 'a', 0o600);
  const main = fileURLToPath(new URL('daemon-main.ts', import.meta.url));
  const node = [process.execPath, ...process.execArgv, ...SMALL_HEAP_FLAGS];
  const child = spawn('unshare', [...flags, ...node, main, dir.path], {
    // A session of its own: the terminal's Ctrl-C is for us, and we decide what it means for the daemon.
    detached: true,
    cwd: '/',
    stdio: ['pipe', log, log, 'pipe'],
  });
  closeSync(log);
  if (child.pid === undefined) throw new CodedError('ELAUNCH', 'Cannot start the daemon: no process could be made');
  const holderPid = child.pid;
  const holderStart = processStart(holderPid) ?? '';
  // Written at once: whoever interrupts us from here on finds the process by it.
  writeRunInfo(dir, { pid: 0, holderPid, holderStart, apiPort: 0, startedAt });
  const keysMade = keys().finally(() => child.stdin?.end());
  const exited = new Promise<void>((resolve) => child.once('exit', () => resolve()))
    // Nothing of ours writes into the directory after that: the caller may want to remove it.
    .then(() => Promise.allSettled([keysMade]))
    .then(() => removeRunInfo(dir));
  return {
    messages: readMessages(child, keysMade, (apiPort) =>
      writeRunInfo(dir, { pid: childrenOf(holderPid)[0] ?? 0, holderPid, holderStart, apiPort, startedAt }),
    ),
    exited,
    detach() {
      (child.stdio[3] as Readable | null)?.destroy();
      child.unref();
    },
    kill: () => void child.kill('SIGKILL'),
  };
}

async function* readMessages(
  child: ChildProcess,
  keysMade: Promise<void>,
  onReady: (apiPort: number) => void,
): AsyncGenerator<DaemonMessage> {
  await keysMade;
  const pipe = child.stdio[3] as Readable;
  for await (const line of createInterface({ input: pipe })) {
    const message = JSON.parse(line) as DaemonMessage;
    if (message.kind === 'ready') onReady(message.apiPort);
    yield message;
  }
}
