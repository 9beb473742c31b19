import type { Container } from '#api/generated/types.ts';
import type { ContainerImage } from './image-agent.ts';
import type { NodeContext } from './node-context.ts';
import { type ContainerMount, planContainerMounts } from './sandbox/container-mounts.ts';
import { planHostImage } from './sandbox/host-image.ts';
import type { MountStep } from './sandbox/mount-step.ts';
import { readRootEntries } from './sandbox/mount-sync.ts';
import { planOciImage } from './sandbox/oci-image.ts';
import type { PodSandbox } from './sandbox/pod-sandbox-sync.ts';

export interface ContainerTree {
  readonly spec: Container;
  readonly image: ContainerImage;
  readonly sandbox: PodSandbox;
  readonly mounts: readonly ContainerMount[];
  /** Of this run alone. */
  readonly directory: string;
  /** On the machine; where the container leaves its last words. */
  readonly messageFile: string;
}

/** The files that one run of a container sees: its image, on it those of the Pod, on these its mounts. */
export function planContainerTree(node: NodeContext, tree: ContainerTree): readonly MountStep[] {
  const { spec, sandbox, mounts, messageFile } = tree;
  const message = {
    source: messageFile,
    target: spec.terminationMessagePath ?? '/dev/termination-log',
    readOnly: false,
  };
  return planContainerMounts({
    image: planImage(node, tree),
    etcDir: sandbox.etcDir,
    shmDir: sandbox.shmDir,
    mounts: [...mounts, message],
    readOnlyRoot: spec.securityContext?.readOnlyRootFilesystem ?? false,
    privileged: spec.securityContext?.privileged ?? false,
  });
}

function planImage(node: NodeContext, { image, mounts, directory }: ContainerTree): readonly MountStep[] {
  const { runtime, images, maskedPaths } = node;
  const { rootless } = runtime.thread;
  if (image.kind === 'oci') {
    const layers = images.layerNames(image.record);
    return planOciImage({ layersDir: images.layers.directory, layers, layerDir: directory, rootless });
  }
  // A privileged agent can make any mount point when it comes to it.
  const directories = rootless ? mounts.map(({ target }) => target) : [];
  return planHostImage({ entries: readRootEntries(), layerDir: directory, masked: maskedPaths, rootless, directories });
}
