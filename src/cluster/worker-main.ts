import { parentPort, workerData } from 'node:worker_threads';
import { CodedError, errorCode, errorMessage } from '#base/errors.ts';
import { createLog, type Log } from '#base/log.ts';
import { controlFailure } from './control-socket.ts';
import { kernelHint } from './kernel-hint.ts';
import type { FromWorker } from './worker-message.ts';

/** The worker's side of `WorkerHandle`: its data, its mail, and the way back. */
export interface WorkerSide<Data, In> {
  readonly data: Data;
  log(room: string): Log;
  tell(message: FromWorker): void;
  /** A handler that throws fails the worker. */
  onMessage(handler: (message: In) => Promise<void> | void): void;
  /** Answers a call with what `work` gives; it may fail without failing the worker. */
  reply(id: number, work: () => unknown): Promise<void>;
  /** Runs the worker's first steps; one that throws fails the worker. */
  begin(steps: () => void): void;
}

export function workerSide<Data, In>(): WorkerSide<Data, In> {
  if (parentPort === null) throw new Error('Cannot run this file by itself: it is the entry of a worker thread');
  const port = parentPort;
  const tell = (message: FromWorker): void => port.postMessage(message);
  const fail = (error: unknown): void => {
    const stack = error instanceof Error ? error.stack : undefined;
    tell({ kind: 'log', record: { level: 'error', room: 'cluster', message: stack ?? String(error), fields: {} } });
    const hint = (error instanceof CodedError ? error.hint : undefined) ?? kernelHint(error);
    tell({ kind: 'failed', code: errorCode(error) ?? 'EFAILED', message: errorMessage(error), hint });
  };
  return {
    data: workerData as Data,
    log: (room) => createLog(room, (record) => tell({ kind: 'log', record })),
    tell,
    onMessage(handler) {
      port.on('message', (message: In) => {
        Promise.try(handler, message).catch(fail);
      });
    },
    async reply(id, work) {
      try {
        tell({ kind: 'reply', id, reply: { kind: 'done', value: await work() } });
      } catch (error) {
        tell({ kind: 'reply', id, reply: { kind: 'failed', error: controlFailure(error) } });
      }
    },
    begin(steps) {
      try {
        steps();
      } catch (error) {
        fail(error);
      }
    },
  };
}
