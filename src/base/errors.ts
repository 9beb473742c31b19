/** An error that a caller is expected to recognise by `code`. Message: action, quoted value, reason. */
export class CodedError extends Error {
  readonly code: string;
  /** What the user can do about it, shown after the message by the command line. */
  readonly hint: string | undefined;

  constructor(code: string, message: string, options?: { readonly cause?: unknown; readonly hint?: string }) {
    super(message, options?.cause === undefined ? undefined : { cause: options.cause });
    this.name = 'CodedError';
    this.code = code;
    this.hint = options?.hint;
  }
}

export function errorMessage(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

/** `code` of a Node or `CodedError`, else undefined. */
export function errorCode(error: unknown): string | undefined {
  const code = (error as { code?: unknown } | null | undefined)?.code;
  return typeof code === 'string' ? code : undefined;
}
