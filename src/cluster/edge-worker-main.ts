/** The edge's worker: carries connections from sockets of the host into the network of the control plane, which it is in. */
import { parentPort, workerData } from 'node:worker_threads';
import { systemClock } from '#base/clock.ts';
import { setns } from '#netlink/namespace.ts';
import { CarrierAgent } from '#edge/carrier-agent.ts';
import type { FromCarrier, ToCarrier } from '#edge/carrier-message.ts';
import type { EdgeWorkerData } from './worker-message.ts';

if (parentPort === null) throw new Error('Cannot run this file by itself: it is the entry of a worker thread');
const port = parentPort;
// For good: everything that this thread opens is there.
setns((workerData as EdgeWorkerData).fabricFd, 'net');
const agent = new CarrierAgent(systemClock, (message) => port.postMessage(message));
port.on('message', (message: ToCarrier) => agent.take(message));
port.postMessage({ kind: 'ready' } satisfies FromCarrier);
