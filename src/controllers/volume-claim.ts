import { type PersistentVolumeClaim, type StorageClass } from '#api/generated/types.ts';
import { persistentVolumeClaims, storageClasses } from '#api/resource.ts';
import { type ControllerContext, createControllerQueue, recorderFor } from './controller-context.ts';
import { objectKey } from '#api/object.ts';
import { isTerminating } from './pod-state.ts';

export interface ClaimNews {
  readonly type: 'Normal' | 'Warning';
  readonly reason: string;
  readonly message: string;
}

/** What keeps a claim from being bound, in upstream's words; undefined when nothing does or it is none of ours. */
export function claimNews(
  claim: PersistentVolumeClaim,
  classOf: (name: string) => StorageClass | undefined,
): ClaimNews | undefined {
  const { volumeName = '', storageClassName = '' } = claim.spec;
  if ((claim.status?.phase ?? 'Pending') !== 'Pending' || volumeName !== '' || isTerminating(claim)) return undefined;
  if (storageClassName === '') {
    const message = 'no persistent volumes available for this claim and no storage class is set';
    return { type: 'Normal', reason: 'FailedBinding', message };
  }
  const storageClass = classOf(storageClassName);
  if (storageClass === undefined) {
    const message = `storageclass.storage.k8s.io "${storageClassName}" not found`;
    return { type: 'Warning', reason: 'ProvisioningFailed', message };
  }
  if (storageClass.volumeBindingMode === 'WaitForFirstConsumer') {
    const message = 'waiting for first consumer to be created before binding';
    return { type: 'Normal', reason: 'WaitForFirstConsumer', message };
  }
  const message =
    `Waiting for a volume to be created either by the external provisioner '${storageClass.provisioner}' or manually ` +
    'by the system administrator. If volume creation is delayed, please verify that the provisioner is running and ' +
    'correctly registered.';
  return { type: 'Normal', reason: 'ExternalProvisioning', message };
}

/** Says why claims wait. It binds none: that is for a provisioner, or for who made the volume. */
export function startVolumeClaimController(context: ControllerContext): void {
  const claims = context.informers.for(persistentVolumeClaims);
  const classes = context.informers.for(storageClasses);
  const recorder = recorderFor(context, 'persistentvolume-controller');
  const queue = createControllerQueue(context, { name: 'volume-claim', waitFor: [claims, classes] }, (key) => {
    const claim = claims.get(key);
    const news = claim === undefined ? undefined : claimNews(claim, (name) => classes.get(name));
    if (claim !== undefined && news !== undefined) recorder.record(claim, news.type, news.reason, news.message);
    return Promise.resolve();
  });
  claims.on({ added: (claim) => queue.add(objectKey(claim)) });
  const classChanged = ({ metadata }: StorageClass): void => {
    for (const claim of claims.list()) {
      if (claim.spec.storageClassName === metadata.name) queue.add(objectKey(claim));
    }
  };
  classes.on({ added: classChanged, deleted: classChanged });
}
