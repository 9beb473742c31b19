import type { Job, Pod } from '#api/generated/types.ts';
import { controllerOf, objectKey } from '#api/object.ts';
import { jobs, pods } from '#api/resource.ts';
import type { EventRecorder } from '#client/events.ts';
import type { Informer } from '#client/informer.ts';
import { type ControllerContext, createControllerQueue, ignoreNotFound, recorderFor } from '../controller-context.ts';
import { finishedCondition, jobCondition } from './job-end.ts';
import { type JobPlan, planJob } from './job-plan.ts';
import { isTracked, TRACKING } from './job-pod.ts';
import { PodEnds } from './pod-ends.ts';
import { mergeDiff } from '../merge-diff.ts';
import { inGrowingBatches, OwnedPods } from '../owned-pods.ts';
import { OwnWrites } from '../own-writes.ts';

/** Runs the Pods of Jobs to their end and counts how they ended. */
export function startJobController(context: ControllerContext): void {
  new JobController(context).start();
}

class JobController {
  readonly #context: ControllerContext;
  readonly #jobs: Informer<Job>;
  readonly #pods: OwnedPods<Job>;
  readonly #own: OwnWrites<Job>;
  readonly #recorder: EventRecorder;
  readonly #ends = new PodEnds();

  constructor(context: ControllerContext) {
    this.#context = context;
    this.#jobs = context.informers.for(jobs);
    this.#own = new OwnWrites(this.#jobs);
    this.#recorder = recorderFor(context, 'job-controller');
    this.#pods = new OwnedPods(context, {
      kind: 'Job',
      owners: this.#jobs,
      selectorOf: ({ spec }) => spec.selector ?? {},
      recorder: this.#recorder,
      finalizer: TRACKING,
    });
  }

  start(): void {
    const waitFor = [this.#jobs, this.#pods.informer];
    const queue = createControllerQueue(
      this.#context,
      { name: 'job', waitFor, concurrency: 16, yields: true },
      async (key) => {
        const wait = await this.#sync(key);
        if (wait !== undefined) queue.addAfter(key, wait);
      },
    );
    this.#pods.watch((job) => queue.add(objectKey(job)));
    const orphans = createControllerQueue(this.#context, { name: 'job-orphan', waitFor }, (key) =>
      this.#freeOrphan(key),
    );
    const orphaned = (pod: Pod): void => {
      if (isTracked(pod) && this.#isOrphan(pod)) orphans.add(objectKey(pod));
    };
    this.#pods.informer.on({ added: orphaned, updated: orphaned });
    this.#jobs.on({
      deleted: (job) => {
        this.#own.forget(objectKey(job));
        this.#ends.forget(job);
        for (const pod of this.#pods.current(job)) orphans.add(objectKey(pod));
      },
    });
  }

  /** Ms until time alone changes something. */
  async #sync(key: string): Promise<number | undefined> {
    const cached = this.#jobs.get(key);
    const [job] = cached === undefined ? [] : this.#own.view(key, [cached]);
    // Somebody else's business, as its maker has it.
    if (
      job === undefined ||
      (job.spec.managedBy ?? 'kubernetes.io/job-controller') !== 'kubernetes.io/job-controller'
    ) {
      return undefined;
    }
    const owned = await this.#pods.claim(job);
    const plan = planJob(job, owned, this.#context.clock.now(), this.#ends.gone(job, owned));
    if (plan.expired) {
      const { uid } = job.metadata;
      const options = { propagationPolicy: 'Foreground', preconditions: { uid } } as const;
      await ignoreNotFound(this.#context.client.delete(jobs, job.metadata, options));
      return undefined;
    }
    let made = 0;
    try {
      await this.#remove(job, plan);
      await inGrowingBatches(plan.create, async (pod) => {
        if ((await this.#pods.create(job, pod)) !== undefined) made++;
      });
    } finally {
      await this.#writeStatus(job, plan, made);
    }
    // Not before the status says how they ended. Some were ended in this very pass.
    const latest = new Map(this.#pods.current(job).map((pod) => [pod.metadata.uid, pod]));
    await Promise.all(plan.release.map((pod) => this.#release(job, latest.get(pod.metadata.uid) ?? pod)));
    return plan.wait;
  }

  async #remove(job: Job, { discard, kill }: JobPlan): Promise<void> {
    const gone = discard.map(async (pod) => this.#pods.delete(job, (await this.#release(job, pod)) ?? pod));
    for (const result of await Promise.allSettled([...gone, ...kill.map((pod) => this.#pods.delete(job, pod))])) {
      if (result.status === 'rejected') throw result.reason;
    }
  }

  async #release(job: Job, pod: Pod): Promise<Pod | undefined> {
    if (!isTracked(pod)) return pod;
    const patched = await this.#untrack(pod);
    if (patched !== undefined) this.#pods.wrote(job, patched);
    return patched;
  }

  async #untrack({ metadata }: Pod): Promise<Pod | undefined> {
    const finalizers = (metadata.finalizers ?? []).filter((name) => name !== TRACKING);
    const { uid, resourceVersion } = metadata;
    const body = { metadata: { uid, resourceVersion, finalizers: finalizers.length === 0 ? null : finalizers } };
    return ignoreNotFound(this.#context.client.patch(pods, metadata, { kind: 'merge', body }));
  }

  #isOrphan(pod: Pod): boolean {
    const owner = controllerOf(pod);
    if (owner === undefined) return true;
    if (owner.kind !== 'Job') return false;
    return this.#jobs.get(`${pod.metadata.namespace}/${owner.name}`)?.metadata.uid !== owner.uid;
  }

  /** Nobody counts the Pods of a Job that is gone, or of none, and they must be able to go as well. */
  async #freeOrphan(key: string): Promise<void> {
    const pod = this.#pods.informer.get(key);
    if (pod === undefined || !isTracked(pod) || !this.#isOrphan(pod)) return;
    const owner = controllerOf(pod);
    if (owner !== undefined) {
      // The cache of Jobs may be behind that of Pods.
      const { namespace } = pod.metadata;
      const job = await ignoreNotFound(this.#context.client.get(jobs, { namespace, name: owner.name }));
      if (job?.metadata.uid === owner.uid) return;
    }
    await this.#untrack(pod);
  }

  async #writeStatus(job: Job, plan: JobPlan, made: number): Promise<void> {
    const active = (plan.status.active ?? 0) + made;
    const status = active === 0 ? plan.status : { ...plan.status, active };
    const patch = mergeDiff(job.status ?? {}, status);
    if (patch === undefined) return;
    const body = { metadata: { uid: job.metadata.uid }, status: patch };
    const options = { subresource: 'status' };
    const { client } = this.#context;
    const written = await ignoreNotFound(client.patch(jobs, job.metadata, { kind: 'merge', body }, options));
    if (written === undefined) return;
    this.#own.wrote(objectKey(written), written);
    this.#tell(job, written);
  }

  #tell(before: Job, after: Job): void {
    const finished = finishedCondition(after);
    if (finished !== undefined && finishedCondition(before) === undefined) {
      const { type, reason = '', message = '' } = finished;
      if (type === 'Complete') this.#recorder.record(after, 'Normal', 'Completed', 'Job completed');
      else this.#recorder.record(after, 'Warning', reason, message);
    }
    const isSuspended = jobCondition(after, 'Suspended') !== undefined;
    if (isSuspended === (jobCondition(before, 'Suspended') !== undefined)) return;
    if (isSuspended) this.#recorder.record(after, 'Normal', 'Suspended', 'Job suspended');
    else this.#recorder.record(after, 'Normal', 'Resumed', 'Job resumed');
  }
}
