import type { Node, Pod } from '#api/generated/types.ts';
import { errorMessage } from '#base/errors.ts';
import type { NodeContext } from '../node-context.ts';
import { type DiskPolicy, type DiskState, diskShortage, percentUsed, type Shortage } from './disk-threshold.ts';
import { containerDirectories, diskUse, readDisk, type StoragePaths, totalUse } from './disk-use-agent.ts';
import { evictionMessage, isCritical, type PodDiskUse, rankForEviction } from './eviction.ts';

/** podCleanupTimeout */
const CLEANUP_MS = 30_000;

/** A Pod that runs here and could be ended. */
export interface Evictable {
  readonly pod: Pod;
  readonly paths: StoragePaths;
  /** Resolves when its files are gone. */
  evict(message: string): Promise<void>;
}

export interface PressedNode {
  /** As the API has it; undefined before it is known there. */
  self(): Node | undefined;
  pods(): readonly Evictable[];
  /** To be called when `present` has changed. */
  changed(): void;
}

/** Looks after the disk as a kubelet does: images go first, then Pods, one at a time. */
export class DiskPressure {
  readonly #node: NodeContext;
  readonly #policy: DiskPolicy;
  readonly #pressed: PressedNode;
  #seenAt: number | undefined;
  #present = false;

  constructor(node: NodeContext, policy: DiskPolicy, pressed: PressedNode) {
    this.#node = node;
    this.#policy = policy;
    this.#pressed = pressed;
  }

  /** The node is short of disk space, or was so a moment ago. */
  get present(): boolean {
    return this.#present;
  }

  refuses(pod: Pod): boolean {
    return this.#present && !isCritical(pod);
  }

  async watch(signal: AbortSignal): Promise<void> {
    const { clock, log, nodeName } = this.#node;
    while (!signal.aborted) {
      try {
        await this.#look(signal);
      } catch (error) {
        log.warn('disk not looked after', { node: nodeName, error: errorMessage(error) });
      }
      await clock.sleep(this.#policy.periodMs, signal).catch(() => {});
    }
  }

  async #look(signal: AbortSignal): Promise<void> {
    const shortage = this.#observe();
    if (shortage === undefined) {
      if (percentUsed(this.#disk) >= this.#policy.imageHighPercent) this.#removeImages(this.#policy.imageLowPercent);
      return;
    }
    const self = this.#pressed.self();
    const what = `Attempting to reclaim ${shortage.resource}`;
    if (self !== undefined) this.#node.events.record(self, 'Warning', 'EvictionThresholdMet', what);
    this.#removeImages(0);
    if (diskShortage(this.#disk, this.#policy) === undefined) return;
    const uses = await Promise.all(this.#pressed.pods().map(measure));
    const [first] = rankForEviction(uses, shortage.resource);
    if (first === undefined || signal.aborted) return;
    // Before there is room again nobody can tell whether one was enough.
    const timeout = this.#node.clock.sleep(CLEANUP_MS, signal).catch(() => {});
    await Promise.race([first.evict(evictionMessage(shortage, first)), timeout]);
  }

  get #disk(): DiskState {
    return readDisk(this.#node.stateDir);
  }

  #observe(): Shortage | undefined {
    const now = this.#node.clock.now();
    const shortage = diskShortage(this.#disk, this.#policy);
    if (shortage !== undefined) this.#seenAt = now;
    const present = this.#seenAt !== undefined && now - this.#seenAt < this.#policy.transitionMs;
    if (present !== this.#present) {
      this.#present = present;
      this.#pressed.changed();
    }
    return shortage;
  }

  #removeImages(untilPercent: number): void {
    const { images, log, nodeName } = this.#node;
    const removed = images.relieve({
      isEnough: () => percentUsed(this.#disk) < untilPercent,
      minimumAgeMs: this.#policy.imageMinimumAgeMs,
    });
    if (removed.length > 0) log.info('images removed, for the disk is full', { node: nodeName, images: removed });
  }
}

async function measure(one: Evictable): Promise<PodDiskUse & Evictable> {
  const { pod, paths } = one;
  const { containers, initContainers = [] } = pod.spec;
  const used = await Promise.all(
    [...containers, ...initContainers].map(async ({ name }) => ({
      name,
      ...(await diskUse(await containerDirectories(paths, name))),
    })),
  );
  const volumes = await diskUse([`${paths.podDirectory}/volumes`]);
  return { ...one, ...totalUse([...used, volumes]), containers: used };
}
