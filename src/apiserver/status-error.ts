import type { Status } from '#api/object.ts';

/** Carries the answer of a request that is refused up to the one place that sends it. */
export class StatusError extends Error {
  readonly status: Status;

  constructor(status: Status) {
    super(status.message ?? status.reason ?? 'refused');
    this.name = 'StatusError';
    this.status = status;
  }
}
