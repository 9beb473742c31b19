import { realpathSync } from 'node:fs';
import { errorCode, errorMessage } from '#base/errors.ts';
import { quantityValue } from '#api/quantity.ts';
import type { Container, EmptyDirVolumeSource, Pod, Volume } from '#api/generated/types.ts';
import { type NodeContext, podDirectory, volumeDirectory } from './node-context.ts';
import { ContainerConfigError } from './pod/container-env.ts';
import type { PodFacts } from './pod/field-value.ts';
import type { PodInputs } from './pod-inputs-agent.ts';
import { setUpError } from './pod-sandbox-agent.ts';
import type { ContainerMount } from './sandbox/container-mounts.ts';
import type { PodSandbox } from './sandbox/pod-sandbox-sync.ts';
import { isMapped } from './stage/id-map.ts';
import { subPathOf } from './volume/sub-path.ts';
import { volumeFiles } from './volume/volume-files.ts';
import { giveToGroup, makeEmptyDir, prepareHostPath, writeVolume } from './volume/volume-sync.ts';

/** A volume on the machine. */
export interface MadeVolume {
  readonly path: string;
  readonly readOnly: boolean;
}

/** Makes what a Pod's containers find in their volumes, before the first of them starts; by name. */
export function makeVolumes(
  context: NodeContext,
  pod: Pod,
  sandbox: PodSandbox,
  inputs: PodInputs,
  facts: PodFacts,
): ReadonlyMap<string, MadeVolume> {
  return eachVolume(pod, (volume) => {
    const directory = directoryOf(context, pod, volume);
    const group = groupOf(context, pod);
    const claimed = inputs.claimed.get(volume.name);
    const hostPath = volume.hostPath ?? claimed?.source;
    if (hostPath !== undefined) {
      prepareHostPath(hostPath);
      const readOnly = volume.persistentVolumeClaim?.readOnly === true;
      if (claimed?.local === true && !readOnly && group !== undefined)
        giveToGroup(realpathSync(hostPath.path), group, false);
      return { path: hostPath.path, readOnly };
    }
    if (volume.emptyDir !== undefined) {
      if (volume.emptyDir.medium !== 'Memory') makeEmptyDir(directory, group);
      else if (sandbox.mountMemory(directory, memoryOptions(volume.emptyDir)) && group !== undefined) {
        giveToGroup(directory, group, false);
      }
      return { path: directory, readOnly: false };
    }
    if (writeFromApi(context, pod, inputs, facts, volume)) return { path: directory, readOnly: true };
    throw new ContainerConfigError('this kind of volume is not supported');
  });
}

/** Brings what comes from the API up to date. All other volumes are the Pod's own by now. */
export function refreshVolumes(context: NodeContext, pod: Pod, inputs: PodInputs, facts: PodFacts): void {
  eachVolume(pod, (volume) => writeFromApi(context, pod, inputs, facts, volume));
}

function eachVolume<T>(pod: Pod, make: (volume: Volume) => T): ReadonlyMap<string, T> {
  return new Map(
    (pod.spec.volumes ?? []).map((volume) => {
      try {
        return [volume.name, make(volume)];
      } catch (error) {
        if (!(error instanceof ContainerConfigError) && errorCode(error) === undefined) throw error;
        throw setUpError(volume.name, errorMessage(error));
      }
    }),
  );
}

/** False when nothing of the volume comes from the API. */
function writeFromApi(context: NodeContext, pod: Pod, inputs: PodInputs, facts: PodFacts, volume: Volume): boolean {
  const files = volumeFiles(volume, { pod, facts, sources: inputs, tokens: inputs.tokens });
  if (files === undefined) return false;
  const version = new Date(context.clock.now()).toISOString().replaceAll(/[-:T]/g, '_');
  writeVolume(directoryOf(context, pod, volume), files, version, groupOf(context, pod));
  return true;
}

function directoryOf(context: NodeContext, pod: Pod, { name }: Volume): string {
  return volumeDirectory(podDirectory(context, pod.metadata.uid), name);
}

/** Whom its volumes belong to. None where the machine has no such group for us: then all is the one user's there is. */
function groupOf({ runtime }: NodeContext, pod: Pod): number | undefined {
  const group = pod.spec.securityContext?.fsGroup;
  return group !== undefined && isMapped(runtime.thread.ids.groups, group) ? group : undefined;
}

/** Of tmpfs, to which a size of 0 is none. */
function memoryOptions({ sizeLimit }: EmptyDirVolumeSource): string {
  const bytes = sizeLimit === undefined ? 0 : Math.ceil(quantityValue(sizeLimit));
  return bytes > 0 ? `mode=1777,size=${bytes}` : 'mode=1777';
}

/** Where a container finds the volumes. */
export function containerMounts(
  container: Container,
  volumes: ReadonlyMap<string, MadeVolume>,
  env: Readonly<Record<string, string>>,
): readonly ContainerMount[] {
  return (container.volumeMounts ?? []).map((mount) => {
    const { name, mountPath, readOnly } = mount;
    const volume = volumes.get(name);
    if (volume === undefined) throw new ContainerConfigError(`volume ${JSON.stringify(name)} not found`);
    const part = subPathOf(mount, env);
    const failure = `failed to prepare subPath for volumeMount ${JSON.stringify(name)} of container ${JSON.stringify(container.name)}`;
    return {
      source: volume.path,
      part: part === undefined ? undefined : { path: part, failure },
      target: mountPath.startsWith('/') ? mountPath : `/${mountPath}`,
      readOnly: readOnly === true || volume.readOnly,
    };
  });
}
