import type { Socket } from 'node:net';
import type { Readable, Writable } from 'node:stream';
import { CodedError } from '#base/errors.ts';

/** How a process ended: `code` is 128 + the signal's number where a signal ended it, as shells and kubelets have it. */
export interface ExitStatus {
  readonly code: number;
  readonly signal: NodeJS.Signals | undefined;
  /** The kernel ended a process of the container because it wanted more memory than its limit. */
  readonly oomKilled?: boolean;
}

export interface TerminalSize {
  readonly columns: number;
  readonly rows: number;
}

export interface ExecRequest {
  readonly podUid: string;
  readonly container: string;
  readonly command: readonly string[];
  /** A terminal of the container's own: stdout and stderr are then one stream. */
  readonly tty?: boolean | undefined;
  /** Whether anything will be written to stdin; otherwise it is /dev/null (or a silent terminal). */
  readonly stdin?: boolean | undefined;
  readonly size?: TerminalSize | undefined;
}

/** A process that was started inside of a running container. */
export interface ExecProcess {
  readonly stdin: Writable | undefined;
  readonly stdout: Readable;
  /** Absent with a terminal. */
  readonly stderr: Readable | undefined;
  /** Resolves after the process has ended; output may still be in the streams. */
  wait(): Promise<ExitStatus>;
  /** Nothing without a terminal. */
  resize(size: TerminalSize): void;
  kill(signal: NodeJS.Signals): void;
}

/** Which of its output streams a running container wrote `bytes` to. */
export type OutputListener = (stream: 'stdout' | 'stderr', bytes: Uint8Array) => void;

/** The container's own process, for `attach`. Detaching leaves it running. */
export interface Attachment extends Disposable {
  /** Present when the container has `stdin: true`. */
  readonly stdin: Writable | undefined;
  readonly tty: boolean;
  readonly stdinOnce: boolean;
  wait(): Promise<ExitStatus>;
  resize(size: TerminalSize): void;
}

export interface ContainerRef {
  readonly podUid: string;
  readonly container: string;
}

/** A container as `streams/` needs it: also one that has ended, since its log can still be read. */
export interface ContainerHandle extends ContainerRef {
  readonly namespace: string;
  readonly pod: string;
  /** Without the scheme: `clusterip://<id>` in the Pod's status. */
  readonly containerId: string;
  readonly running: boolean;
  /** The log of the present (or last) run: lines of `<rfc3339nano> stdout F text`. Rotated to `<path>.1`. */
  readonly logPath: string;
  /** The log of the run before, for `--previous`. */
  readonly previousLogPath: string | undefined;
  readonly tty: boolean;
  readonly stdin: boolean;
}

/** What can be done to the containers of all nodes of one Worker. */
export interface Runtime {
  /** Without `container`: the Pod's first. Undefined when no such Pod or container was ever started here. */
  find(ref: {
    readonly namespace: string;
    readonly pod: string;
    readonly container?: string | undefined;
  }): ContainerHandle | undefined;
  /** Throws `RuntimeError` with code `ERR_CONTAINER_NOT_FOUND` or `ERR_EXEC_FAILED`. */
  exec(request: ExecRequest): ExecProcess;
  /** Output from now on goes to `listener` as well as to the log. */
  attach(ref: ContainerRef, listener: OutputListener): Attachment;
  /** A TCP connection to a port on the loopback of the Pod, for port-forward. Emits `connect` or `error`. */
  dial(podUid: string, port: number): Socket;
}

export type RuntimeErrorCode =
  | 'ERR_CONTAINER_NOT_FOUND'
  | 'ERR_EXEC_FAILED'
  /** The command is not in the container, or may not be executed. */
  | 'ERR_COMMAND_NOT_FOUND'
  | 'ERR_MOUNT_PART'
  | 'ERR_SANDBOX_FAILED';

export class RuntimeError extends CodedError {
  declare readonly code: RuntimeErrorCode;

  constructor(code: RuntimeErrorCode, message: string, cause?: unknown) {
    super(code, message, { cause });
    this.name = 'RuntimeError';
  }
}
