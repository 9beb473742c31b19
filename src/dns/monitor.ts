import type { Clock } from '#base/clock.ts';

/** What the probes of a kubelet and a scraper ask for. */
export interface Monitor {
  readonly isReady: () => boolean;
  readonly metrics: () => string;
  /** Set while the last queries come in: no new ones should. */
  leaving: boolean;
}

export interface MonitorReply {
  readonly status: number;
  readonly type: string;
  readonly body: string;
}

const PLAIN = 'text/plain; charset=utf-8';
const PROMETHEUS = 'text/plain; version=0.0.4; charset=utf-8';

/** Alive is who can say so; ready is who has seen the whole cluster and is not about to go. Pure. */
export function monitorReply(monitor: Monitor, path: string): MonitorReply {
  switch (path) {
    case '/health':
      return { status: 200, type: PLAIN, body: 'OK' };
    case '/ready':
      if (monitor.leaving) return { status: 503, type: PLAIN, body: 'leaving' };
      return monitor.isReady()
        ? { status: 200, type: PLAIN, body: 'OK' }
        : { status: 503, type: PLAIN, body: 'kubernetes' };
    case '/metrics':
      return { status: 200, type: PROMETHEUS, body: monitor.metrics() };
    default:
      return { status: 404, type: PLAIN, body: 'not found' };
  }
}

/**
 * Says that we are leaving, answers on for `ms`, then closes: by then nobody sends to us any more, as proxies have heard
 * that we are not ready.
 */
export async function lameDuck(monitor: Monitor, ms: number, clock: Clock, close: () => void): Promise<void> {
  monitor.leaving = true;
  await clock.sleep(ms);
  close();
}
