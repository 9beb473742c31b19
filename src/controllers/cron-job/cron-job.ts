import { errorMessage } from '#base/errors.ts';
import type { CronJob, CronJobStatus, Job, ObjectReference } from '#api/generated/types.ts';
import { controllerOf, type NewObject, objectKey } from '#api/object.ts';
import { cronJobs, jobs } from '#api/resource.ts';
import { isReason } from '#client/client.ts';
import type { EventRecorder } from '#client/events.ts';
import type { Informer } from '#client/informer.ts';
import { type ControllerContext, createControllerQueue, ignoreNotFound, recorderFor } from '../controller-context.ts';
import { planCronJob } from './cron-job-plan.ts';
import { mergeDiff } from '../merge-diff.ts';
import { type OwnedIndex, ownedIndex } from '../owned-index.ts';
import { isNamespaceTerminating } from '../owned-pods.ts';
import { OwnWrites } from '../own-writes.ts';

/** Starts Jobs when their times come. */
export function startCronJobController(context: ControllerContext): void {
  new CronJobController(context).start();
}

class CronJobController {
  readonly #context: ControllerContext;
  readonly #crons: Informer<CronJob>;
  readonly #jobs: Informer<Job>;
  readonly #ownedJobs: OwnedIndex<Job>;
  readonly #ownCrons: OwnWrites<CronJob>;
  readonly #ownJobs: OwnWrites<Job>;
  readonly #recorder: EventRecorder;

  constructor(context: ControllerContext) {
    this.#context = context;
    this.#crons = context.informers.for(cronJobs);
    this.#jobs = context.informers.for(jobs);
    this.#ownCrons = new OwnWrites(this.#crons);
    this.#ownJobs = new OwnWrites(this.#jobs);
    this.#recorder = recorderFor(context, 'cronjob-controller');
    this.#ownedJobs = ownedIndex(this.#jobs);
  }

  start(): void {
    const queue = createControllerQueue(
      this.#context,
      { name: 'cron-job', waitFor: [this.#crons, this.#jobs], concurrency: 4, yields: true },
      async (key) => {
        const wait = await this.#sync(key);
        if (wait !== undefined) queue.addAfter(key, wait);
      },
    );
    const add = (cron: CronJob): void => queue.add(objectKey(cron));
    this.#crons.on({
      added: add,
      updated: add,
      deleted: (cron) => {
        this.#ownCrons.forget(objectKey(cron));
        this.#ownJobs.forget(cron.metadata.uid);
      },
    });
    const jobChanged = (job: Job): void => {
      const owner = controllerOf(job);
      if (owner?.kind === 'CronJob') queue.add(`${job.metadata.namespace}/${owner.name}`);
    };
    this.#jobs.on({ added: jobChanged, updated: jobChanged, deleted: jobChanged });
  }

  async #sync(key: string): Promise<number | undefined> {
    const cached = this.#crons.get(key);
    const [cron] = cached === undefined ? [] : this.#ownCrons.view(key, [cached]);
    if (cron === undefined) return undefined;
    const { uid } = cron.metadata;
    const children = this.#ownJobs.view(uid, this.#ownedJobs.of(uid));
    const plan = planCronJob(cron, children, this.#context.clock.now());
    for (const { type, reason, message } of plan.news) this.#recorder.record(cron, type, reason, message);
    await Promise.all(plan.delete.map((job) => this.#delete(cron, job)));
    const made = plan.create === undefined ? undefined : await this.#create(cron, plan.create);
    const { lastScheduleTime } = plan;
    await this.#writeStatus(
      cron,
      made === undefined || lastScheduleTime === undefined
        ? plan.status
        : { ...plan.status, active: [...(plan.status.active ?? []), referenceTo(made)], lastScheduleTime },
    );
    return plan.wait;
  }

  async #create(cron: CronJob, wanted: NewObject<Job>): Promise<Job | undefined> {
    const { client } = this.#context;
    try {
      const job = await client.create(jobs, wanted);
      this.#ownJobs.wrote(cron.metadata.uid, job);
      this.#recorder.record(cron, 'Normal', 'SuccessfulCreate', `Created job ${job.metadata.name}`);
      return job;
    } catch (error) {
      if (isNamespaceTerminating(error)) return undefined;
      if (isReason(error, 'AlreadyExists')) {
        const { namespace, name = '' } = wanted.metadata;
        const existing = await client.get(jobs, { namespace, name });
        // Made before a restart of ours that came before the status was written.
        if (controllerOf(existing)?.uid === cron.metadata.uid) return existing;
      }
      this.#recorder.record(cron, 'Warning', 'FailedCreate', `Error creating job: ${errorMessage(error)}`);
      throw error;
    }
  }

  async #delete(cron: CronJob, job: Job): Promise<void> {
    const { name, uid } = job.metadata;
    const options = { propagationPolicy: 'Background', preconditions: { uid } } as const;
    await ignoreNotFound(this.#context.client.delete(jobs, job.metadata, options));
    this.#ownJobs.deleted(cron.metadata.uid, job);
    this.#recorder.record(cron, 'Normal', 'SuccessfulDelete', `Deleted job ${name}`);
  }

  async #writeStatus(cron: CronJob, status: CronJobStatus): Promise<void> {
    const patch = mergeDiff(cron.status ?? {}, status);
    if (patch === undefined) return;
    const body = { metadata: { uid: cron.metadata.uid }, status: patch };
    const options = { subresource: 'status' };
    const { client } = this.#context;
    const written = await ignoreNotFound(client.patch(cronJobs, cron.metadata, { kind: 'merge', body }, options));
    if (written !== undefined) this.#ownCrons.wrote(objectKey(written), written);
  }
}

function referenceTo({ metadata: { namespace, name, uid, resourceVersion } }: Job): ObjectReference {
  return { apiVersion: 'batch/v1', kind: 'Job', namespace, name, uid, resourceVersion };
}
