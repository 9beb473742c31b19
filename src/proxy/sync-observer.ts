import { type KubeObject } from '#api/object.ts';
import { type IpFamily } from '#base/ip.ts';

/** `full`: everything was compared with the kernel; `partial`: only what changed was written. */
export type SyncKind = 'full' | 'partial';

/** Told of the proxy's work, for metrics and health. Must not throw. */
export interface SyncObserver {
  /** `triggeredAt`: when, in milliseconds since 1970, what the change tells of happened; the endpoint controller says it. */
  changed(what: 'service' | 'endpoint', triggeredAt?: number): void;
  synced(family: IpFamily, kind: SyncKind, ms: number): void;
  /** All that was noted is in the kernel. */
  settled(): void;
  /** The kernel refused a transaction. */
  failed(): void;
  flowsDeleted(count: number): void;
}

/** On slices, by the controller that writes them: when the Pod or the Service changed that the slice tells of. */
const TRIGGER_TIME = 'endpoints.kubernetes.io/last-change-trigger-time';

/** In milliseconds since 1970; undefined where it was before `since`, as we came: that would count as our delay. */
export function triggerTime(object: KubeObject, since: number): number | undefined {
  const at = Date.parse(object.metadata.annotations?.[TRIGGER_TIME] ?? '');
  // The annotation has whole seconds.
  return at >= since - 1000 ? at : undefined;
}
