import { rfc3339 } from '#base/clock.ts';
import { errorMessage } from '#base/errors.ts';
import { deepEqual } from '#api/equal.ts';
import type { Deployment, Pod, ReplicaSet } from '#api/generated/types.ts';
import { controllerOf, type KubeObject, type NewObject, objectKey } from '#api/object.ts';
import { deployments, pods, replicaSets } from '#api/resource.ts';
import { isReason } from '#client/client.ts';
import type { EventRecorder } from '#client/events.ts';
import type { Informer } from '#client/informer.ts';
import { applyClaims, claim } from '../claims.ts';
import { type ControllerContext, createControllerQueue, ignoreNotFound, recorderFor } from '../controller-context.ts';
import { type DeploymentAction, nextActions, splitSets } from './deployment-plan.ts';
import { REVISION, withoutHash } from './deployment-revision.ts';
import { replicasOf } from './deployment-scaling.ts';
import { type DeploymentNews, deploymentStatus, nextDeadlineIn } from './deployment-status.ts';
import { isEmptySelector, matchesSelector } from '#api/selectors.ts';
import { mergeDiff } from '../merge-diff.ts';
import { type OwnedIndex, ownedIndex } from '../owned-index.ts';
import { OwnWrites } from '../own-writes.ts';

const DEPLOYMENTS_BY_NAMESPACE = 'deployment/namespace';
/** Steps in one pass; a rollout that wants more is in a circle. */
const MAX_STEPS = 50;

/** Moves Deployments from one ReplicaSet to the next. */
export function startDeploymentController(context: ControllerContext): void {
  new DeploymentController(context).start();
}

interface Pass {
  deployment: Deployment;
  readonly sets: Map<string, ReplicaSet>;
  news: DeploymentNews | undefined;
  collisionCount: number | undefined;
}

class DeploymentController {
  readonly #context: ControllerContext;
  readonly #deployments: Informer<Deployment>;
  readonly #sets: Informer<ReplicaSet>;
  readonly #ownedSets: OwnedIndex<ReplicaSet>;
  readonly #pods: Informer<Pod>;
  readonly #ownedPods: OwnedIndex<Pod>;
  readonly #own: OwnWrites<ReplicaSet>;
  readonly #ownDeployments: OwnWrites<Deployment>;
  readonly #recorder: EventRecorder;

  constructor(context: ControllerContext) {
    this.#context = context;
    this.#deployments = context.informers.for(deployments);
    this.#sets = context.informers.for(replicaSets);
    this.#pods = context.informers.for(pods);
    this.#own = new OwnWrites(this.#sets);
    this.#ownDeployments = new OwnWrites(this.#deployments);
    this.#recorder = recorderFor(context, 'deployment-controller');
    this.#ownedSets = ownedIndex(this.#sets);
    this.#ownedPods = ownedIndex(this.#pods);
    this.#deployments.addIndex(DEPLOYMENTS_BY_NAMESPACE, (found) => [found.metadata.namespace ?? '']);
  }

  start(): void {
    const queue = createControllerQueue(
      this.#context,
      { name: 'deployment', waitFor: [this.#deployments, this.#sets, this.#pods], concurrency: 16, yields: true },
      async (key) => {
        const wait = await this.#sync(key);
        if (wait !== undefined) queue.addAfter(key, wait);
      },
    );
    const add = (deployment: KubeObject): void => queue.add(objectKey(deployment));
    this.#deployments.on({
      added: add,
      updated: add,
      deleted: (deployment) => {
        this.#own.forget(deployment.metadata.uid);
        this.#ownDeployments.forget(objectKey(deployment));
      },
    });
    const setChanged = (set: ReplicaSet): void => this.#ownersOf(set).forEach(add);
    this.#sets.on({
      added: setChanged,
      updated: (set, old) => {
        setChanged(set);
        if (controllerOf(old)?.uid !== controllerOf(set)?.uid) setChanged(old);
      },
      deleted: setChanged,
    });
    // Recreate waits for the last Pod to go.
    this.#pods.on({
      deleted: (pod) => {
        const set = this.#sets.get(`${pod.metadata.namespace}/${controllerOf(pod)?.name}`);
        if (set !== undefined) setChanged(set);
      },
    });
  }

  #ownersOf(set: ReplicaSet): readonly Deployment[] {
    const { namespace = '', labels } = set.metadata;
    const owner = controllerOf(set);
    if (owner !== undefined) {
      const found = owner.kind === 'Deployment' ? this.#deployments.get(`${namespace}/${owner.name}`) : undefined;
      return found?.metadata.uid === owner.uid ? [found] : [];
    }
    const all = this.#deployments.byIndex(DEPLOYMENTS_BY_NAMESPACE, namespace);
    return all.filter(({ spec }) => !isEmptySelector(spec.selector) && matchesSelector(spec.selector, labels));
  }

  async #sync(key: string): Promise<number | undefined> {
    const cached = this.#deployments.get(key);
    const [deployment] = cached === undefined ? [] : this.#ownDeployments.view(key, [cached]);
    if (deployment === undefined) return undefined;
    if (isEmptySelector(deployment.spec.selector)) {
      const message = 'This deployment is selecting all pods. A non-empty selector is required.';
      this.#recorder.record(deployment, 'Warning', 'SelectingAll', message);
      return undefined;
    }
    const { uid } = deployment.metadata;
    const candidates = this.#own.view(uid, this.#ownedSets.candidates(deployment));
    const claims = claim(deployment, deployment.spec.selector, candidates);
    const owned = await applyClaims(this.#context.client, replicaSets, deployment, claims, this.#own);
    const pass: Pass = {
      deployment,
      sets: new Map(owned.map((set) => [set.metadata.uid, set])),
      news: undefined,
      collisionCount: undefined,
    };
    try {
      await this.#walk(pass);
    } finally {
      await this.#writeStatus(pass);
    }
    return nextDeadlineIn(pass.deployment, pass.deployment.status ?? {}, this.#context.clock.now());
  }

  async #walk(pass: Pass): Promise<void> {
    const podsOf = (set: ReplicaSet): readonly Pod[] => this.#ownedPods.of(set.metadata.uid);
    for (let step = 0; step < MAX_STEPS; step++) {
      const { deployment } = pass;
      const actions = nextActions({ deployment, sets: [...pass.sets.values()], podsOf });
      if (actions.length === 0) return;
      for (const action of actions) await this.#act(pass, action);
      if (pass.news?.kind === 'create-failed') throw new Error(pass.news.message);
      if (pass.collisionCount !== undefined) return;
    }
    throw new Error(`Cannot roll out deployment "${objectKey(pass.deployment)}": more than ${MAX_STEPS} steps`);
  }

  async #act(pass: Pass, action: DeploymentAction): Promise<void> {
    const { client } = this.#context;
    const { uid } = pass.deployment.metadata;
    switch (action.kind) {
      case 'create':
        return this.#create(pass, action.set);
      case 'annotate': {
        const body = { metadata: { uid, annotations: { [REVISION]: action.revision } } };
        // Beside the status, where it is no change that somebody has to follow.
        const options = { subresource: 'status' };
        const patched = await client.patch(deployments, pass.deployment.metadata, { kind: 'merge', body }, options);
        pass.deployment = patched;
        this.#ownDeployments.wrote(objectKey(patched), patched);
        pass.news ??= { kind: 'found', name: action.set.metadata.name };
        return undefined;
      }
      case 'delete':
        pass.sets.delete(action.set.metadata.uid);
        await ignoreNotFound(client.delete(replicaSets, action.set.metadata));
        this.#own.deleted(uid, action.set);
        return undefined;
      case 'patch':
        return this.#patch(pass, action);
    }
  }

  async #patch(pass: Pass, action: Extract<DeploymentAction, { kind: 'patch' }>): Promise<void> {
    const { set, annotations, replicas, minReadySeconds } = action;
    const { uid } = set.metadata;
    const body = {
      metadata: { uid, ...mergeDiff({ annotations: set.metadata.annotations }, { annotations }) },
      spec: mergeDiff({}, { replicas, minReadySeconds }) ?? {},
    };
    const patched = await this.#context.client.patch(replicaSets, set.metadata, { kind: 'merge', body });
    pass.sets.set(uid, patched);
    this.#own.wrote(pass.deployment.metadata.uid, patched);
    if (replicas !== undefined) this.#tellScaled(pass.deployment, set.metadata.name, replicasOf(set), replicas);
  }

  #tellScaled(deployment: Deployment, name: string, from: number, to: number): void {
    const direction = to > from ? 'up' : 'down';
    const message = `Scaled ${direction} replica set ${name} from ${from} to ${to}`;
    this.#recorder.record(deployment, 'Normal', 'ScalingReplicaSet', message);
  }

  async #create(pass: Pass, wanted: NewObject<ReplicaSet>): Promise<void> {
    const { client } = this.#context;
    const { deployment } = pass;
    const { name = '', namespace } = wanted.metadata;
    try {
      const set = await client.create(replicaSets, wanted);
      pass.sets.set(set.metadata.uid, set);
      this.#own.wrote(deployment.metadata.uid, set);
      pass.news = { kind: 'created', name };
      if (replicasOf(set) > 0) this.#tellScaled(deployment, name, 0, replicasOf(set));
    } catch (error) {
      if (isReason(error, 'AlreadyExists')) {
        const existing = await client.get(replicaSets, { namespace, name });
        const ours = controllerOf(existing)?.uid === deployment.metadata.uid;
        const same = deepEqual(withoutHash(existing.spec.template ?? {}), withoutHash(deployment.spec.template));
        if (ours && same) pass.sets.set(existing.metadata.uid, existing);
        // Another template with the same hash: the count goes into the next one.
        else pass.collisionCount = (deployment.status?.collisionCount ?? 0) + 1;
        return;
      }
      if (isReason(error, 'Forbidden') && errorMessage(error).includes('being terminated')) throw error;
      pass.news = { kind: 'create-failed', name, message: errorMessage(error) };
      const message = `Failed to create new replica set "${name}": ${errorMessage(error)}`;
      this.#recorder.record(deployment, 'Warning', 'ReplicaSetCreateError', message);
    }
  }

  async #writeStatus(pass: Pass): Promise<void> {
    const { client, clock } = this.#context;
    const { deployment, news, collisionCount } = pass;
    const now = clock.now();
    const split = splitSets({ deployment, sets: [...pass.sets.values()] });
    const status = deploymentStatus({ ...split, deployment, news, collisionCount, now, timestamp: rfc3339(now) });
    const patch = mergeDiff(deployment.status ?? {}, status);
    if (patch === undefined) return;
    const body = { metadata: { uid: deployment.metadata.uid }, status: patch };
    const options = { subresource: 'status' };
    const patched = await ignoreNotFound(
      client.patch(deployments, deployment.metadata, { kind: 'merge', body }, options),
    );
    if (patched === undefined) return;
    pass.deployment = patched;
    this.#ownDeployments.wrote(objectKey(patched), patched);
  }
}
