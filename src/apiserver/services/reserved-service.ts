import type { KubeObject } from '#api/object.ts';
import type { Reservation } from '#alloc/reservation.ts';
import type { SideWrite } from '../storage/object-storage.ts';

/** A Service that is about to be written, with what it holds. Dispose without `commit` and nothing was taken. */
export interface ReservedService extends Disposable {
  readonly object: KubeObject;
  /** What has to be written in the same transaction. */
  readonly beside: readonly SideWrite[];
  commit(): void;
}

/** What a Service takes and gives back while it is being completed. */
export interface Draft {
  readonly dryRun: boolean;
  readonly reservation: Reservation;
  readonly beside: SideWrite[];
}
