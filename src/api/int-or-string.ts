import { CodedError } from '#base/errors.ts';

/** `0`, `0%` and the like. */
export function isZeroShare(value: number | string | undefined): boolean {
  return value === 0 || (typeof value === 'string' && /^0+%$/.test(value));
}

/**
 * A count as it is, a percentage as a share of `total`. Surges round up and unavailability down, so that at least one
 * of the two lets a roll-out move.
 */
export function scaledShare(value: number | string, total: number, round: 'up' | 'down'): number {
  if (typeof value === 'number') return value;
  const percent = /^(\d+)%$/.exec(value)?.[1];
  if (percent === undefined) {
    throw new CodedError('InvalidShare', `Cannot scale "${value}": not a number or percentage`);
  }
  const share = (Number(percent) * total) / 100;
  return round === 'up' ? Math.ceil(share) : Math.floor(share);
}

/** The text of a port or share in tables and messages. */
export function intOrStringText(value: number | string): string {
  return String(value);
}
