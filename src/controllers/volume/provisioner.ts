import { errorMessage } from '#base/errors.ts';
import type { PersistentVolume, PersistentVolumeClaim, StorageClass } from '#api/generated/types.ts';
import { type NewObject, objectKey } from '#api/object.ts';
import { compareQuantities } from '#api/quantity.ts';
import { persistentVolumeClaims, persistentVolumes, storageClasses } from '#api/resource.ts';
import { isReason } from '#client/client.ts';
import type { EventRecorder } from '#client/events.ts';
import type { Informer } from '#client/informer.ts';
import { type ControllerContext, createControllerQueue, ignoreNotFound, recorderFor } from '../controller-context.ts';
import { isTerminating } from '../pod-state.ts';
import { classOfClaim, PROVISIONED_BY, PROVISIONER, SELECTED_NODE, sizeOfClaim, sizeOfVolume } from './volume-match.ts';

export const LOCAL_PROVISIONER = 'clusterip.dev/local-path';
const FINALIZER = 'external-provisioner.volume.kubernetes.io/finalizer';

/** Where volumes have their files. */
export interface VolumeDirectories {
  /** Makes the directory of that name, open to every user of Pods; one that is there stays as it is. Its path. */
  create(name: string): Promise<string>;
  /** Deletes it with all that is in it; one that is not there is no error. Refuses paths that `create` never gave. */
  remove(path: string): Promise<void>;
}

/** Whether the claim waits for a volume of ours now. */
export function isToProvision(claim: PersistentVolumeClaim, storageClass: StorageClass | undefined): boolean {
  const { annotations } = claim.metadata;
  if (isTerminating(claim) || (claim.spec.volumeName ?? '') !== '') return false;
  if (annotations?.[PROVISIONER] !== LOCAL_PROVISIONER || storageClass?.provisioner !== LOCAL_PROVISIONER) return false;
  return storageClass.volumeBindingMode !== 'WaitForFirstConsumer' || annotations[SELECTED_NODE] !== undefined;
}

export function volumeNameFor({ metadata }: PersistentVolumeClaim): string {
  return `pvc-${metadata.uid}`;
}

/** Every node of ours is on this one machine: the volume is as near to one as to another, so it names none. */
export function provisionedVolume(
  claim: PersistentVolumeClaim,
  storageClass: StorageClass,
  path: string,
): NewObject<PersistentVolume> {
  const { namespace, name, uid, resourceVersion } = claim.metadata;
  const reclaim = storageClass.reclaimPolicy ?? 'Delete';
  return {
    metadata: {
      name: volumeNameFor(claim),
      annotations: { [PROVISIONED_BY]: LOCAL_PROVISIONER },
      // Keeps the volume until its files are gone, whichever of claim and volume is deleted first.
      ...(reclaim === 'Delete' ? { finalizers: [FINALIZER] } : {}),
    },
    spec: {
      accessModes: claim.spec.accessModes,
      capacity: { storage: sizeOfClaim(claim) },
      claimRef: { apiVersion: 'v1', kind: 'PersistentVolumeClaim', namespace, name, uid, resourceVersion },
      hostPath: { path, type: 'DirectoryOrCreate' },
      persistentVolumeReclaimPolicy: reclaim,
      storageClassName: storageClass.metadata.name,
      volumeMode: claim.spec.volumeMode ?? 'Filesystem',
    },
  };
}

/** Makes, grows and deletes the volumes of classes whose provisioner is `LOCAL_PROVISIONER`: directories. */
export function startLocalProvisioner(context: ControllerContext, directories: VolumeDirectories): void {
  new LocalProvisioner(context, directories).start();
}

class LocalProvisioner {
  readonly #context: ControllerContext;
  readonly #directories: VolumeDirectories;
  readonly #claims: Informer<PersistentVolumeClaim>;
  readonly #volumes: Informer<PersistentVolume>;
  readonly #classes: Informer<StorageClass>;
  readonly #recorder: EventRecorder;

  constructor(context: ControllerContext, directories: VolumeDirectories) {
    this.#context = context;
    this.#directories = directories;
    this.#claims = context.informers.for(persistentVolumeClaims);
    this.#volumes = context.informers.for(persistentVolumes);
    this.#classes = context.informers.for(storageClasses);
    this.#recorder = recorderFor(context, LOCAL_PROVISIONER);
  }

  start(): void {
    const waitFor = [this.#claims, this.#volumes, this.#classes];
    const claimQueue = createControllerQueue(this.#context, { name: 'provisioner', waitFor }, (key) =>
      this.#syncClaim(key),
    );
    const volumeQueue = createControllerQueue(this.#context, { name: 'provisioner-delete', waitFor }, (name) =>
      this.#syncVolume(name),
    );
    const claimChanged = (claim: PersistentVolumeClaim): void => claimQueue.add(objectKey(claim));
    this.#claims.on({ added: claimChanged, updated: claimChanged });
    const volumeChanged = (volume: PersistentVolume): void => {
      if (volume.metadata.annotations?.[PROVISIONED_BY] === LOCAL_PROVISIONER) volumeQueue.add(volume.metadata.name);
    };
    this.#volumes.on({ added: volumeChanged, updated: volumeChanged });
  }

  async #syncClaim(key: string): Promise<void> {
    const claim = this.#claims.get(key);
    if (claim === undefined) return;
    const storageClass = this.#classes.get(classOfClaim(claim));
    const volume = this.#volumes.get(claim.spec.volumeName ?? volumeNameFor(claim));
    if (volume !== undefined) return this.#grow(claim, volume);
    if (storageClass !== undefined && isToProvision(claim, storageClass)) await this.#provision(claim, storageClass);
  }

  async #provision(claim: PersistentVolumeClaim, storageClass: StorageClass): Promise<void> {
    const { namespace, name } = claim.metadata;
    const tell = (type: 'Normal' | 'Warning', reason: string, message: string): void =>
      this.#recorder.record(claim, type, reason, message);
    tell('Normal', 'Provisioning', `External provisioner is provisioning volume for claim "${namespace}/${name}"`);
    try {
      if (claim.spec.volumeMode === 'Block') throw new Error('only file system volumes are supported');
      const volumeName = volumeNameFor(claim);
      // The longest name that a file can have.
      const path = await this.#directories.create(`${volumeName}_${namespace}_${name}`.slice(0, 255));
      await this.#context.client.create(persistentVolumes, provisionedVolume(claim, storageClass, path));
      tell('Normal', 'ProvisioningSucceeded', `Successfully provisioned volume ${volumeName}`);
    } catch (error) {
      if (isReason(error, 'AlreadyExists')) return;
      const what = `failed to provision volume with StorageClass "${storageClass.metadata.name}"`;
      tell('Warning', 'ProvisioningFailed', `${what}: ${errorMessage(error)}`);
      throw error;
    }
  }

  /** A directory grows by itself: only the figures have to follow. */
  async #grow(claim: PersistentVolumeClaim, volume: PersistentVolume): Promise<void> {
    const wanted = sizeOfClaim(claim);
    const had = claim.status?.capacity?.['storage'];
    const ours = volume.metadata.annotations?.[PROVISIONED_BY] === LOCAL_PROVISIONER;
    if (!ours || claim.status?.phase !== 'Bound' || had === undefined || compareQuantities(wanted, had) <= 0) return;
    const { client } = this.#context;
    this.#recorder.record(claim, 'Normal', 'Resizing', `External resizer is resizing volume ${volume.metadata.name}`);
    if (compareQuantities(sizeOfVolume(volume), wanted) < 0) {
      const body = { metadata: { uid: volume.metadata.uid }, spec: { capacity: { storage: wanted } } };
      await ignoreNotFound(client.patch(persistentVolumes, volume.metadata, { kind: 'merge', body }));
    }
    const body = { metadata: { uid: claim.metadata.uid }, status: { capacity: { storage: wanted } } };
    const options = { subresource: 'status' };
    await ignoreNotFound(client.patch(persistentVolumeClaims, claim.metadata, { kind: 'merge', body }, options));
    this.#recorder.record(claim, 'Normal', 'VolumeResizeSuccessful', 'Resize volume succeeded');
  }

  async #syncVolume(name: string): Promise<void> {
    const volume = this.#volumes.get(name);
    if (volume?.spec.persistentVolumeReclaimPolicy !== 'Delete') return;
    const { phase } = volume.status ?? {};
    if (phase !== 'Released' && phase !== 'Failed') return;
    const { client } = this.#context;
    const { uid } = volume.metadata;
    const path = volume.spec.hostPath?.path;
    try {
      if (path !== undefined) await this.#directories.remove(path);
    } catch (error) {
      this.#recorder.record(volume, 'Warning', 'VolumeFailedDelete', errorMessage(error));
      throw error;
    }
    await ignoreNotFound(client.delete(persistentVolumes, volume.metadata, { preconditions: { uid } }));
    const current = await ignoreNotFound(client.get(persistentVolumes, volume.metadata));
    if (current?.metadata.uid !== uid || current.metadata.finalizers?.includes(FINALIZER) !== true) return;
    const rest = current.metadata.finalizers.filter((one) => one !== FINALIZER);
    const body = { metadata: { resourceVersion: current.metadata.resourceVersion, finalizers: rest } };
    await ignoreNotFound(client.patch(persistentVolumes, volume.metadata, { kind: 'merge', body }));
  }
}
