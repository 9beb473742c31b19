/** Something did not work; standard error says what, and what to do. */
export const EXIT_FAILURE = 1;
/** The command line itself is wrong. */
export const EXIT_USAGE = 2;
/** `status`: the cluster is not running, or not all of it is ready. */
export const EXIT_NOT_READY = 3;
/** Ended by Ctrl-C, as shells count it. */
export const EXIT_INTERRUPTED = 130;
