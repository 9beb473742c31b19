import type { Status } from '#api/object.ts';
import type { ExitStatus } from '../runtime.ts';

/** What an exec came to, in the form that kubectl takes the exit code from. */
export function outcomeOf(exit: ExitStatus): Status {
  if (exit.code === 0) return SUCCESS;
  return {
    apiVersion: 'v1',
    kind: 'Status',
    metadata: {},
    status: 'Failure',
    message: `command terminated with non-zero exit code: exit status ${exit.code}`,
    reason: 'NonZeroExitCode',
    details: { causes: [{ reason: 'ExitCode', message: String(exit.code) }] },
    code: 0,
  };
}

export const SUCCESS: Status = Object.freeze({
  apiVersion: 'v1',
  kind: 'Status',
  metadata: {},
  status: 'Success',
  code: 0,
});

/** The stream broke down on our side. */
export function internalOutcome(message: string): Status {
  return {
    apiVersion: 'v1',
    kind: 'Status',
    metadata: {},
    status: 'Failure',
    message: `Internal error occurred: ${message}`,
    reason: 'InternalError',
    details: { causes: [{ message }] },
    code: 500,
  };
}
