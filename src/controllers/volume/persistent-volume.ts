import type { PersistentVolume, PersistentVolumeClaim, Pod, StorageClass } from '#api/generated/types.ts';
import { objectKey } from '#api/object.ts';
import { persistentVolumeClaims, persistentVolumes, pods, storageClasses } from '#api/resource.ts';
import type { WorkQueue } from '#base/work-queue.ts';
import type { EventRecorder } from '#client/events.ts';
import type { Informer } from '#client/informer.ts';
import { type ControllerContext, createControllerQueue, ignoreNotFound, recorderFor } from '../controller-context.ts';
import { isPodFinished } from '../pod-state.ts';
import { boundStatusPatch, claimRefPatch, unbindPatch, unboundStatusPatch, volumeNamePatch } from './bind-patch.ts';
import { type ClaimStep, defaultClassOf, planClaim } from './claim-plan.ts';
import { PODS_BY_CLAIM, podsByClaim } from './pod-claims.ts';
import { classOfClaim, classOfVolume, isFullyBound, OLD_PROVISIONER, PROVISIONER } from './volume-match.ts';
import { planVolume, reclaimTrouble } from './volume-plan.ts';

const FREE_BY_CLASS = 'persistent-volume/free';
const BY_CLAIM = 'persistent-volume/claim';
const OPEN_BY_CLASS = 'persistent-volume/open-claims';

/** Brings claims and volumes together, and lets volumes go whose claim is gone. Provisions none itself. */
export function startPersistentVolumeController(context: ControllerContext): void {
  new PersistentVolumeController(context).start();
}

class PersistentVolumeController {
  readonly #context: ControllerContext;
  readonly #volumes: Informer<PersistentVolume>;
  readonly #claims: Informer<PersistentVolumeClaim>;
  readonly #classes: Informer<StorageClass>;
  readonly #pods: Informer<Pod>;
  readonly #recorder: EventRecorder;
  readonly #claimQueue: WorkQueue;
  readonly #volumeQueue: WorkQueue;

  constructor(context: ControllerContext) {
    this.#context = context;
    this.#volumes = context.informers.for(persistentVolumes);
    this.#claims = context.informers.for(persistentVolumeClaims);
    this.#classes = context.informers.for(storageClasses);
    this.#pods = context.informers.for(pods);
    this.#recorder = recorderFor(context, 'persistentvolume-controller');
    this.#volumes.addIndex(FREE_BY_CLASS, (volume) =>
      volume.spec.claimRef === undefined ? [classOfVolume(volume)] : [],
    );
    this.#volumes.addIndex(BY_CLAIM, ({ spec: { claimRef } }) =>
      claimRef === undefined ? [] : [`${claimRef.namespace}/${claimRef.name}`],
    );
    this.#claims.addIndex(OPEN_BY_CLASS, (claim) => (isFullyBound(claim) ? [] : [classOfClaim(claim)]));
    podsByClaim(this.#pods);
    const waitFor = [this.#volumes, this.#claims, this.#classes, this.#pods];
    // One at a time, or two claims would reach for one volume.
    const options = { waitFor, concurrency: 1 };
    this.#claimQueue = createControllerQueue(context, { name: 'volume-claim', ...options }, (key) =>
      this.#syncClaim(key),
    );
    this.#volumeQueue = createControllerQueue(context, { name: 'persistent-volume', ...options }, (name) =>
      this.#syncVolume(name),
    );
  }

  start(): void {
    const claimChanged = (claim: PersistentVolumeClaim): void => {
      this.#claimQueue.add(objectKey(claim));
      this.#volumesOf(claim).forEach(({ metadata }) => this.#volumeQueue.add(metadata.name));
    };
    this.#claims.on({ added: claimChanged, updated: claimChanged, deleted: claimChanged });
    const volumeChanged = (volume: PersistentVolume): void => {
      const { claimRef } = volume.spec;
      this.#volumeQueue.add(volume.metadata.name);
      if (claimRef !== undefined) this.#claimQueue.add(`${claimRef.namespace}/${claimRef.name}`);
      else if (volume.status?.phase === 'Available') this.#offer(classOfVolume(volume));
    };
    this.#volumes.on({ added: volumeChanged, updated: volumeChanged, deleted: volumeChanged });
    const classChanged = ({ metadata }: StorageClass): void => {
      this.#offer(metadata.name);
      this.#offer('');
    };
    this.#classes.on({ added: classChanged, updated: classChanged, deleted: classChanged });
  }

  /** Claims of the class that have no volume get another look. */
  #offer(className: string): void {
    for (const claim of this.#claims.byIndex(OPEN_BY_CLASS, className)) this.#claimQueue.add(objectKey(claim));
  }

  #volumesOf(claim: PersistentVolumeClaim): readonly PersistentVolume[] {
    const named = this.#volumes.get(claim.spec.volumeName ?? '');
    const meant = this.#volumes.byIndex(BY_CLAIM, objectKey(claim));
    return named === undefined || meant.includes(named) ? meant : [...meant, named];
  }

  async #syncClaim(key: string): Promise<void> {
    const claim = this.#claims.get(key);
    if (claim === undefined) return;
    const waiting = (pod: Pod): boolean => (pod.spec.nodeName ?? '') === '' && !isPodFinished(pod);
    const step = planClaim(claim, {
      volumes: [...this.#volumes.byIndex(BY_CLAIM, key), ...this.#volumes.byIndex(FREE_BY_CLASS, classOfClaim(claim))],
      volumeOf: (name) => this.#volumes.get(name),
      classOf: (name) => this.#classes.get(name),
      defaultClass: defaultClassOf(this.#classes.list()),
      waitingPods: this.#pods
        .byIndex(PODS_BY_CLAIM, key)
        .filter(waiting)
        .map(({ metadata }) => metadata.name),
    });
    await this.#takeStep(claim, step);
  }

  async #takeStep(claim: PersistentVolumeClaim, step: ClaimStep): Promise<void> {
    const { uid } = claim.metadata;
    switch (step.kind) {
      case 'bind':
        return this.#bind(step.volume, claim);
      case 'set-class':
        await this.#patchClaim(claim, { metadata: { uid }, spec: { storageClassName: step.name } });
        return;
      case 'phase': {
        const body = unboundStatusPatch(claim, step.phase);
        if (body !== undefined) await this.#patchClaim(claim, body, 'status');
        // Losing a volume is said once.
        if (step.phase === 'Lost' && body === undefined) return;
        if (step.news !== undefined) this.#recorder.record(claim, step.news.type, step.news.reason, step.news.message);
        return;
      }
      case 'provision': {
        const annotations = { [PROVISIONER]: step.provisioner, [OLD_PROVISIONER]: step.provisioner };
        await this.#patchClaim(claim, { metadata: { uid, annotations } });
        this.#recorder.record(claim, step.news.type, step.news.reason, step.news.message);
      }
    }
  }

  /** Both sides, the volume first: whoever looks in between sees no claim with a volume that is not its own. */
  async #bind(volume: PersistentVolume, claim: PersistentVolumeClaim): Promise<void> {
    const reference = claimRefPatch(volume, claim);
    const held = reference === undefined ? volume : await this.#patchVolume(volume, reference);
    if (held === undefined) return;
    await this.#setPhase(held, 'Bound');
    const name = volumeNamePatch(claim, held);
    const bound = name === undefined ? claim : await this.#patchClaim(claim, name);
    const status = bound && boundStatusPatch(bound, held);
    if (bound !== undefined && status !== undefined) await this.#patchClaim(bound, status, 'status');
  }

  async #syncVolume(name: string): Promise<void> {
    const volume = this.#volumes.get(name);
    if (volume === undefined) return;
    const claim = await this.#claimOf(volume);
    const step = planVolume(volume, claim);
    switch (step.kind) {
      case 'phase':
        await this.#setPhase(volume, step.phase);
        return;
      case 'release':
        return this.#release(volume);
      case 'unbind': {
        const free = await this.#patchVolume(volume, unbindPatch(volume, step.entirely));
        if (free !== undefined) await this.#setPhase(free, 'Available');
        return;
      }
      case 'claim':
        if (claim !== undefined) this.#claimQueue.add(objectKey(claim));
    }
  }

  /** Before a volume is taken for one whose claim is gone, the server itself is asked: data depend on it. */
  async #claimOf({ spec: { claimRef } }: PersistentVolume): Promise<PersistentVolumeClaim | undefined> {
    if (claimRef === undefined) return undefined;
    const { namespace, name = '' } = claimRef;
    const cached = this.#claims.get(`${namespace}/${name}`);
    if (cached !== undefined && cached.metadata.uid === claimRef.uid) return cached;
    return ignoreNotFound(this.#context.client.get(persistentVolumeClaims, { namespace, name }));
  }

  async #release(volume: PersistentVolume): Promise<void> {
    const trouble = reclaimTrouble(volume);
    if (volume.status?.phase === 'Failed') return;
    await this.#setPhase(volume, trouble?.phase ?? 'Released', trouble?.message);
    if (trouble !== undefined) this.#recorder.record(volume, 'Warning', trouble.reason, trouble.message);
  }

  async #setPhase(volume: PersistentVolume, phase: string, message?: string): Promise<void> {
    if (volume.status?.phase === phase) return;
    await this.#patchVolume(volume, { status: { phase, message: message ?? null } }, 'status');
  }

  #patchVolume(volume: PersistentVolume, body: unknown, subresource?: string): Promise<PersistentVolume | undefined> {
    const { client } = this.#context;
    return ignoreNotFound(client.patch(persistentVolumes, volume.metadata, { kind: 'merge', body }, { subresource }));
  }

  #patchClaim(
    claim: PersistentVolumeClaim,
    body: unknown,
    subresource?: string,
  ): Promise<PersistentVolumeClaim | undefined> {
    const { client } = this.#context;
    return ignoreNotFound(
      client.patch(persistentVolumeClaims, claim.metadata, { kind: 'merge', body }, { subresource }),
    );
  }
}
