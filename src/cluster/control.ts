/** What can be asked of a running cluster besides its API: things of the machine, which Kubernetes has no words for. */
export type ControlRequest =
  | { readonly kind: 'image-remove'; readonly images: readonly string[] }
  /** Images that no container uses. */
  | { readonly kind: 'image-prune' };

export interface ControlAnswers {
  /** Full names of those that were there. */
  readonly 'image-remove': readonly string[];
  readonly 'image-prune': readonly string[];
}

export type ControlAnswer<K extends ControlRequest['kind']> = ControlAnswers[K];

/** How an error crosses from one process or thread to another. */
export interface ControlFailure {
  readonly code: string;
  readonly message: string;
  readonly hint: string | undefined;
}

export type ControlReply =
  | { readonly kind: 'done'; readonly value: unknown }
  | { readonly kind: 'failed'; readonly error: ControlFailure };
