import { CodedError } from '#base/errors.ts';
import { errnoName } from './netlink-error.ts';

/** A system call failed. `code` is the name of `errno`. */
export class SystemError extends CodedError {
  readonly errno: number;

  /** `action` is what was tried, after the word "Cannot": `mount "overlay" on "/x"`. */
  constructor(action: string, errno: number) {
    super(errnoName(errno), `Cannot ${action}: ${errnoName(errno)}`);
    this.name = 'SystemError';
    this.errno = errno;
  }
}
