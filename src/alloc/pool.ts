import { CodedError } from '#base/errors.ts';

/** What a reservation draws from: addresses of one block, or ports of one range. */
export interface Pool<T> {
  readonly free: number;
  has(value: T): boolean;
  /** Takes exactly this; throws `EOUTOFRANGE` or `EALLOCATED`. */
  allocate(value: T): void;
  /** Takes any; throws `ERANGEFULL`. */
  allocateNext(): T;
  /** What is free or out of range already is left so. */
  release(value: T): void;
  /** Throws what a dry run of `allocate` throws, and takes nothing. */
  tryAllocate(value: T): void;
  /** What a dry run of `allocateNext` shows; takes nothing. */
  tryAllocateNext(): T;
}

/** A value that is in use although it could not be taken: out of range, or used twice. */
export interface Misfit<T> {
  readonly value: T;
  readonly error: CodedError;
}

/** Takes what the stored objects use, and returns what could not be taken. */
export function restore<T>(pool: Pool<T>, used: Iterable<T>): readonly Misfit<T>[] {
  const misfits: Misfit<T>[] = [];
  for (const value of used) {
    try {
      pool.allocate(value);
    } catch (error) {
      if (!(error instanceof CodedError)) throw error;
      misfits.push({ value, error });
    }
  }
  return misfits;
}
