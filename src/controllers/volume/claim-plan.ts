import type { PersistentVolume, PersistentVolumeClaim, StorageClass } from '#api/generated/types.ts';
import {
  BIND_COMPLETED,
  classOfClaim,
  findVolume,
  isMeantFor,
  mismatch,
  PROVISIONER,
  SELECTED_NODE,
} from './volume-match.ts';

export interface ClaimNews {
  readonly type: 'Normal' | 'Warning';
  readonly reason: string;
  readonly message: string;
}

/** What a decision about one claim looks at. */
export interface ClaimWorld {
  /** Those that the claim could have: free ones of its class and those meant for it. */
  readonly volumes: readonly PersistentVolume[];
  readonly volumeOf: (name: string) => PersistentVolume | undefined;
  readonly classOf: (name: string) => StorageClass | undefined;
  /** Name of the class for claims that name none. */
  readonly defaultClass: string | undefined;
  /** Names of Pods that use the claim and have no node yet. */
  readonly waitingPods: readonly string[];
}

export type ClaimStep =
  | { readonly kind: 'bind'; readonly volume: PersistentVolume }
  /** The claim stays, or becomes, what `phase` says. */
  | { readonly kind: 'phase'; readonly phase: 'Pending' | 'Lost'; readonly news?: ClaimNews | undefined }
  | { readonly kind: 'set-class'; readonly name: string }
  /** Asks the provisioner of its class, which may be ours or not. */
  | { readonly kind: 'provision'; readonly provisioner: string; readonly news: ClaimNews };

/** Models syncUnboundClaim and syncBoundClaim of v1.34 (pkg/controller/volume/persistentvolume/pv_controller.go). */
export function planClaim(claim: PersistentVolumeClaim, world: ClaimWorld): ClaimStep {
  if (claim.metadata.annotations?.[BIND_COMPLETED] !== undefined) return planBound(claim, world);
  return (claim.spec.volumeName ?? '') === '' ? planFree(claim, world) : planNamed(claim, world);
}

function planBound(claim: PersistentVolumeClaim, { volumeOf }: ClaimWorld): ClaimStep {
  const { volumeName = '' } = claim.spec;
  if (volumeName === '') return lost('ClaimLost', 'Bound claim has lost reference to PersistentVolume.');
  const volume = volumeOf(volumeName);
  if (volume === undefined) return lost('ClaimLost', 'Bound claim has lost its PersistentVolume.');
  const { claimRef } = volume.spec;
  if (claimRef === undefined || claimRef.uid === claim.metadata.uid) return { kind: 'bind', volume };
  const message = 'Two claims are bound to the same volume, this one is bound incorrectly';
  return { kind: 'phase', phase: 'Lost', news: { type: 'Warning', reason: 'ClaimMisbound', message } };
}

function lost(reason: string, what: string): ClaimStep {
  const message = `${what} Data on the volume is lost!`;
  return { kind: 'phase', phase: 'Lost', news: { type: 'Warning', reason, message } };
}

function planNamed(claim: PersistentVolumeClaim, { volumeOf }: ClaimWorld): ClaimStep {
  const { volumeName = '' } = claim.spec;
  const volume = volumeOf(volumeName);
  if (volume === undefined) return pending();
  if (isMeantFor(volume, claim)) return { kind: 'bind', volume };
  if (volume.spec.claimRef !== undefined) {
    return pending('Warning', 'FailedBinding', `volume "${volumeName}" already bound to a different claim.`);
  }
  const why = mismatch(volume, claim);
  if (why === undefined) return { kind: 'bind', volume };
  return pending('Warning', 'VolumeMismatch', `Cannot bind to requested volume "${volumeName}": ${why}`);
}

function pending(type?: 'Normal' | 'Warning', reason: string = '', message: string = ''): ClaimStep {
  return { kind: 'phase', phase: 'Pending', news: type === undefined ? undefined : { type, reason, message } };
}

function planFree(claim: PersistentVolumeClaim, world: ClaimWorld): ClaimStep {
  const className = classOfClaim(claim);
  const storageClass = className === '' ? undefined : world.classOf(className);
  const delayed = storageClass?.volumeBindingMode === 'WaitForFirstConsumer';
  const volume = findVolume(claim, world.volumes, { onlyMeant: delayed });
  if (volume !== undefined) return { kind: 'bind', volume };
  // A default class that comes later is for those who waited, too; '' is the wish for none.
  if (claim.spec.storageClassName === undefined && className === '' && world.defaultClass !== undefined) {
    return { kind: 'set-class', name: world.defaultClass };
  }
  if (delayed && claim.metadata.annotations?.[SELECTED_NODE] === undefined) return waitForPod(world.waitingPods);
  if (className === '') {
    const message = 'no persistent volumes available for this claim and no storage class is set';
    return pending('Normal', 'FailedBinding', message);
  }
  return provision(claim, className, storageClass);
}

function waitForPod(waiting: readonly string[]): ClaimStep {
  if (waiting.length === 0) {
    const message = 'waiting for first consumer to be created before binding';
    return pending('Normal', 'WaitForFirstConsumer', message);
  }
  const message = `waiting for pod${waiting.length > 1 ? 's' : ''} ${waiting.join(',')} to be scheduled`;
  return pending('Normal', 'WaitForPodScheduled', message);
}

function provision(claim: PersistentVolumeClaim, className: string, storageClass: StorageClass | undefined): ClaimStep {
  if (storageClass === undefined) {
    return pending('Warning', 'ProvisioningFailed', `storageclass.storage.k8s.io "${className}" not found`);
  }
  const { provisioner } = storageClass;
  // Names of plugins that a control plane once had built in; ours has none.
  if (provisioner.startsWith('kubernetes.io/')) {
    return pending('Warning', 'ProvisioningFailed', `no volume plugin matched name: ${provisioner}`);
  }
  const message =
    `Waiting for a volume to be created either by the external provisioner '${provisioner}' or manually ` +
    'by the system administrator. If volume creation is delayed, please verify that the provisioner is running and ' +
    'correctly registered.';
  if (claim.metadata.annotations?.[PROVISIONER] === provisioner) return pending();
  return { kind: 'provision', provisioner, news: { type: 'Normal', reason: 'ExternalProvisioning', message } };
}

/** The class for claims that name none: of several the newest, then by name. */
export function defaultClassOf(classes: Iterable<StorageClass>): string | undefined {
  const marked = [...classes].filter(({ metadata: { annotations } }) =>
    ['storageclass.kubernetes.io', 'storageclass.beta.kubernetes.io'].some(
      (group) => annotations?.[`${group}/is-default-class`] === 'true',
    ),
  );
  const key = ({ metadata }: StorageClass): number => Date.parse(metadata.creationTimestamp);
  marked.sort((a, b) => key(b) - key(a) || (a.metadata.name < b.metadata.name ? -1 : 1));
  return marked[0]?.metadata.name;
}
