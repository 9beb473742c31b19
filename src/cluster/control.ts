/** What can be asked of a running cluster besides its API: things of the machine, which Kubernetes has no words for. */
export type ControlRequest = ImageRequest | NodeRequest;

export type ImageRequest =
  | { readonly kind: 'image-remove'; readonly images: readonly string[] }
  /** Images that no container uses. */
  | { readonly kind: 'image-prune' };

export type NodeRequest =
  | { readonly kind: 'node-list' }
  | { readonly kind: 'node-add'; readonly name?: string; readonly labels: Readonly<Record<string, string>> }
  /** All of one kind; when one cannot be done those after it are left alone. */
  | { readonly kind: 'node-remove' | 'node-stop' | 'node-start'; readonly names: readonly string[] };

export interface ListedNode {
  readonly name: string;
  readonly status: 'running' | 'stopped';
  readonly addresses: readonly string[];
  readonly podCidrs: readonly string[];
  readonly labels: Readonly<Record<string, string>>;
}

export interface ControlAnswers {
  /** Full names of those that were there. */
  readonly 'image-remove': readonly string[];
  readonly 'image-prune': readonly string[];
  readonly 'node-list': readonly ListedNode[];
  readonly 'node-add': ListedNode;
  readonly 'node-remove': readonly string[];
  readonly 'node-stop': readonly string[];
  readonly 'node-start': readonly string[];
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
