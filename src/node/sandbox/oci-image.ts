import type { MountStep } from './mount-step.ts';

export interface OciImageSpec {
  /** Holds the layers. */
  readonly layersDir: string;
  /** Names in it, the topmost first. */
  readonly layers: readonly string[];
  /** Where this container's upper layer goes; on the disk. */
  readonly layerDir: string;
  readonly rootless: boolean;
}

/** The file system of an image with an upper layer of the container's own; in memory where the disk cannot be one. */
export function planOciImage({ layersDir, layers, layerDir, rootless }: OciImageSpec): readonly MountStep[] {
  if (layers.length === 0) return [{ kind: 'mount', type: 'tmpfs', target: '/', data: 'mode=755' }];
  const on = (directory: string): MountStep => ({
    kind: 'layers',
    target: '/',
    base: layersDir,
    lower: layers,
    upper: `${directory}/upper`,
    work: `${directory}/work`,
    userXattr: rootless,
  });
  const memory = `${layerDir}/memory`;
  return [{ kind: 'either', of: [[on(layerDir)], [{ kind: 'scratch', path: memory }, on(memory)]] }];
}
