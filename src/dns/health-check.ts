import type { Agent } from 'node:http';
import type { Clock } from '#base/clock.ts';
import { http } from '#base/http.ts';
import { Histogram } from './histogram.ts';

const INTERVAL_MS = 1000;
const TIMEOUT_MS = 5000;
/** CoreDNS's: seconds, from a quarter of a millisecond. */
const BUCKETS: readonly number[] = [0.00025, 0.0025, 0.025, 0.25, 2.5];

export interface HealthMetrics {
  /** Seconds. */
  readonly durations: Histogram;
  failures: number;
}

export function healthMetrics(): HealthMetrics {
  return { durations: new Histogram(BUCKETS), failures: 0 };
}

/** Asks our own `/health` once a second: how long that takes tells how busy we are. */
export function checkHealth(
  { host, port }: { readonly host: string; readonly port: number },
  metrics: HealthMetrics,
  clock: Clock,
): Disposable {
  const agent = new http.Agent({ keepAlive: true, maxSockets: 1 });
  let timer: Disposable | undefined;
  const again = (): void => {
    timer = clock.after(INTERVAL_MS, () => {
      const start = clock.monotonic();
      const done = (isWell: boolean): void => {
        if (isWell) metrics.durations.observe((clock.monotonic() - start) / 1000);
        else metrics.failures++;
      };
      ask(agent, host === '' ? 'localhost' : host, port, done);
      again();
    });
  };
  again();
  return {
    [Symbol.dispose]() {
      timer?.[Symbol.dispose]();
      agent.destroy();
    },
  };
}

function ask(agent: Agent, host: string, port: number, done: (isWell: boolean) => void): void {
  const request = http.get({ agent, host, port, path: '/health', timeout: TIMEOUT_MS }, (response) => {
    response.resume();
    response.on('end', () => done(true));
    response.on('error', () => done(false));
  });
  request.on('timeout', () => request.destroy(new Error('no answer')));
  request.on('error', () => done(false));
}
