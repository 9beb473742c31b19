/** What a starting daemon tells the process that launched it, one JSON line each on file descriptor 3. */
export type DaemonMessage =
  | { readonly kind: 'progress'; readonly text: string }
  | {
      readonly kind: 'ready';
      readonly apiPort: number;
      readonly milliseconds: number;
      /** What does not work here, though the cluster does. */
      readonly notices: readonly string[];
    }
  | { readonly kind: 'failed'; readonly code: string; readonly message: string; readonly hint?: string | undefined };
