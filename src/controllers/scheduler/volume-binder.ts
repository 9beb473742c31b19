import type { PersistentVolume, PersistentVolumeClaim, Pod, StorageClass } from '#api/generated/types.ts';
import { objectKey } from '#api/object.ts';
import { persistentVolumeClaims, persistentVolumes, storageClasses } from '#api/resource.ts';
import type { Informer } from '#client/informer.ts';
import type { ControllerContext } from '../controller-context.ts';
import { claimRefPatch } from '../volume/bind-patch.ts';
import { claimKeysOf } from '../volume/pod-claims.ts';
import { classOfClaim, classOfVolume, isFullyBound, SELECTED_NODE } from '../volume/volume-match.ts';
import type { VolumePlan, VolumeWorld } from './claims.ts';

const FREE_BY_CLASS = 'scheduler/free-volumes';
const BY_CLAIM = 'scheduler/volumes-of-claim';

/** The scheduler's view of claims and volumes, and its hand in binding them. */
export class VolumeBinder {
  readonly claims: Informer<PersistentVolumeClaim>;
  readonly volumes: Informer<PersistentVolume>;
  readonly classes: Informer<StorageClass>;
  readonly #context: ControllerContext;
  /** Volumes promised to a claim whose claimRef the cache does not show yet. */
  readonly #promised = new Map<string, string>();
  /** Claims with a node that the cache does not show yet. */
  readonly #selected = new Map<string, PersistentVolumeClaim>();

  constructor(context: ControllerContext) {
    this.#context = context;
    this.claims = context.informers.for(persistentVolumeClaims);
    this.volumes = context.informers.for(persistentVolumes);
    this.classes = context.informers.for(storageClasses);
    this.volumes.addIndex(FREE_BY_CLASS, (volume) =>
      volume.spec.claimRef === undefined ? [classOfVolume(volume)] : [],
    );
    this.volumes.addIndex(BY_CLAIM, ({ spec: { claimRef } }) =>
      claimRef === undefined ? [] : [`${claimRef.namespace}/${claimRef.name}`],
    );
  }

  world(isUsed: (claimKey: string) => boolean): VolumeWorld {
    return {
      claimOf: (key) => this.#claim(key),
      volumeOf: (name) => this.volumes.get(name),
      classOf: (name) => this.classes.get(name),
      offersFor: (claim) => {
        const key = objectKey(claim);
        const free = this.volumes.byIndex(FREE_BY_CLASS, classOfClaim(claim));
        const isFree = ({ metadata }: PersistentVolume): boolean => (this.#promised.get(metadata.name) ?? key) === key;
        return [...this.volumes.byIndex(BY_CLAIM, key), ...free.filter(isFree)];
      },
      isUsed,
    };
  }

  #claim(key: string): PersistentVolumeClaim | undefined {
    const cached = this.claims.get(key);
    const own = this.#selected.get(key);
    if (own === undefined) return cached;
    const isBehind = Number(cached?.metadata.resourceVersion ?? 0) < Number(own.metadata.resourceVersion);
    if (cached?.metadata.uid === own.metadata.uid && isBehind) return own;
    this.#selected.delete(key);
    return cached;
  }

  /** Counts the promises of a decision, so that the next one sees them. */
  promise({ bind }: VolumePlan): void {
    for (const { claim, volume } of bind) this.#promised.set(volume.metadata.name, objectKey(claim));
  }

  withdraw({ bind }: VolumePlan): void {
    for (const { volume } of bind) this.#promised.delete(volume.metadata.name);
  }

  /** Writes what makes the plan come true: others then bind and provision. */
  async carryOut(plan: VolumePlan, nodeName: string): Promise<void> {
    const { client } = this.#context;
    try {
      for (const { claim, volume } of plan.bind) {
        const body = claimRefPatch(volume, claim);
        if (body !== undefined) await client.patch(persistentVolumes, volume.metadata, { kind: 'merge', body });
      }
    } finally {
      this.withdraw(plan);
    }
    for (const claim of plan.provision) {
      if (claim.metadata.annotations?.[SELECTED_NODE] === nodeName) continue;
      const { uid, resourceVersion } = claim.metadata;
      const body = { metadata: { uid, resourceVersion, annotations: { [SELECTED_NODE]: nodeName } } };
      const written = await client.patch(persistentVolumeClaims, claim.metadata, { kind: 'merge', body });
      this.#selected.set(objectKey(claim), written);
    }
  }

  /** Whether all claims of the Pod have their volumes. */
  isBound(pod: Pod): boolean {
    return claimKeysOf(pod).every((key) => {
      const claim = this.claims.get(key);
      return claim !== undefined && isFullyBound(claim);
    });
  }
}
