import { parentPort, workerData } from 'node:worker_threads';
import { errorMessage } from '#base/errors.ts';
import { createLog, type Log } from '#base/log.ts';
import { type FromWorker } from './worker-message.ts';

/** The worker's side of `WorkerHandle`: its data, its mail, and the way back. */
export interface WorkerSide<Data, In> {
  readonly data: Data;
  log(room: string): Log;
  tell(message: FromWorker): void;
  /** A handler that throws fails the worker. */
  onMessage(handler: (message: In) => Promise<void> | void): void;
}

export function workerSide<Data, In>(): WorkerSide<Data, In> {
  if (parentPort === null) throw new Error('Cannot run this file by itself: it is the entry of a worker thread');
  const port = parentPort;
  const tell = (message: FromWorker): void => port.postMessage(message);
  return {
    data: workerData as Data,
    log: (room) => createLog(room, (record) => tell({ kind: 'log', record })),
    tell,
    onMessage(handler) {
      port.on('message', (message: In) => {
        Promise.try(handler, message).catch((error: unknown) =>
          tell({
            kind: 'failed',
            message: error instanceof Error ? (error.stack ?? error.message) : errorMessage(error),
          }),
        );
      });
    },
  };
}
