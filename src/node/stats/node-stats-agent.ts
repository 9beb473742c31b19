import type { Clock } from '#base/clock.ts';
import type { PodMeasure } from './pod-measure.ts';
import { CpuRateMeter } from './cpu-rates.ts';
import { type StatsSummary, statsSummary } from './stats-summary.ts';

export interface MeasuredNode {
  readonly nodeName: string;
  readonly capacityBytes: number;
}

/** What the nodes of one Worker use, measured when somebody asks. */
export class NodeStats {
  readonly #measure: (nodeName: string) => readonly PodMeasure[];
  readonly #clock: Clock;
  readonly #nodes = new Map<string, MeasuredNode & { readonly startedAt: number; readonly meter: CpuRateMeter }>();

  constructor(measure: (nodeName: string) => readonly PodMeasure[], clock: Clock) {
    this.#measure = measure;
    this.#clock = clock;
  }

  add(node: MeasuredNode): void {
    this.#nodes.set(node.nodeName, { ...node, startedAt: this.#clock.now(), meter: new CpuRateMeter() });
  }

  remove(nodeName: string): void {
    this.#nodes.delete(nodeName);
  }

  /** Undefined for a node that is not here. */
  summary(nodeName: string): StatsSummary | undefined {
    const node = this.#nodes.get(nodeName);
    if (node === undefined) return undefined;
    const { startedAt, capacityBytes, meter } = node;
    const now = this.#clock.now();
    const pods = this.#measure(nodeName);
    return statsSummary({ nodeName, startedAt, now, capacityBytes, pods, rates: meter.measure(pods, now) });
  }
}
