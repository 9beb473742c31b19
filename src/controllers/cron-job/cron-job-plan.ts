import { rfc3339 } from '#base/clock.ts';
import { errorMessage } from '#base/errors.ts';
import type { CronJob, CronJobStatus, Job, ObjectReference } from '#api/generated/types.ts';
import type { NewObject } from '#api/object.ts';
import { controllerReference } from '../claims.ts';
import { type CronSchedule, lastTime, nextTime, parseSchedule } from './cron-schedule.ts';
import { finishedCondition } from '../job/job-end.ts';
import { isTerminating } from '../pod-state.ts';
import { isTimeZone } from './zoned-time.ts';

export interface CronNews {
  readonly type: 'Normal' | 'Warning';
  readonly reason: string;
  readonly message: string;
}

export interface CronJobPlan {
  readonly create: NewObject<Job> | undefined;
  readonly delete: readonly Job[];
  /** Without the Job that is made now. */
  readonly status: CronJobStatus;
  /** Of the status, when the Job is made. */
  readonly lastScheduleTime: string | undefined;
  readonly news: readonly CronNews[];
  /** Ms until the next time. */
  readonly wait: number | undefined;
}

/** Models syncCronJob of v1.34 (pkg/controller/cronjob/cronjob_controllerv2.go). */
export function planCronJob(cron: CronJob, jobs: readonly Job[], now: number): CronJobPlan {
  const news: CronNews[] = [];
  const status = settle(cron, jobs, news);
  const stale = staleJobs(cron, jobs);
  const rest = { delete: stale, status, news, create: undefined, lastScheduleTime: undefined, wait: undefined };
  if (isTerminating(cron) || cron.spec.suspend === true) return rest;
  const zone = cron.spec.timeZone ?? 'UTC';
  const schedule = readSchedule(cron, zone, news);
  if (schedule === undefined) return rest;
  const due = dueTime(cron, schedule, zone, now, news);
  const next = nextTime(schedule, now, zone);
  const waiting = { ...rest, wait: next === undefined ? undefined : next - now };
  if (due === undefined || mayNotStart(cron, status, due, now, news)) return waiting;
  const running = cron.spec.concurrencyPolicy === 'Replace' ? jobs.filter((job) => isActive(status, job)) : [];
  const gone = new Set(running.map(({ metadata }) => metadata.uid));
  const active = status.active?.filter(({ uid }) => !gone.has(uid ?? '')) ?? [];
  const { active: _, ...others } = status;
  return {
    ...waiting,
    delete: [...stale, ...running],
    status: active.length === 0 ? others : { ...others, active },
    create: newJob(cron, due, zone),
    lastScheduleTime: rfc3339(due),
  };
}

/** The status with the Jobs that still run. */
function settle(cron: CronJob, jobs: readonly Job[], news: CronNews[]): CronJobStatus {
  const { lastScheduleTime } = cron.status ?? {};
  const active = stillActive(cron.status?.active ?? [], jobs, news);
  const ends = jobs.flatMap(({ status }) => status?.completionTime ?? []);
  const lastSuccessfulTime = [...ends, cron.status?.lastSuccessfulTime ?? ''].sort().at(-1) ?? '';
  return {
    ...(active.length === 0 ? {} : { active }),
    ...(lastScheduleTime === undefined ? {} : { lastScheduleTime }),
    ...(lastSuccessfulTime === '' ? {} : { lastSuccessfulTime }),
  };
}

/** Tells which Jobs have ended, and which are not known. */
function stillActive(
  active: readonly ObjectReference[],
  jobs: readonly Job[],
  news: CronNews[],
): readonly ObjectReference[] {
  for (const job of jobs) {
    if (finishedCondition(job) !== undefined || isActive({ active }, job)) continue;
    const message = `Saw a job that the controller did not create or forgot: ${job.metadata.name}`;
    news.push({ type: 'Warning', reason: 'UnexpectedJob', message });
  }
  const byUid = new Map(jobs.map((job) => [job.metadata.uid, job]));
  return active.filter(({ uid = '', name = '' }) => {
    const job = byUid.get(uid);
    const finished = job === undefined ? undefined : finishedCondition(job);
    if (job === undefined) news.push(normal('MissingJob', `Active job went missing: ${name}`));
    if (finished !== undefined) {
      news.push(normal('SawCompletedJob', `Saw completed job: ${name}, condition: ${finished.type}`));
    }
    return job !== undefined && finished === undefined;
  });
}

function isActive({ active = [] }: CronJobStatus, { metadata }: Job): boolean {
  return active.some(({ uid }) => uid === metadata.uid);
}

function readSchedule({ spec }: CronJob, zone: string, news: CronNews[]): CronSchedule | undefined {
  if (!isTimeZone(zone)) {
    const message = `invalid timeZone: ${JSON.stringify(zone)}: unknown time zone ${zone}`;
    news.push({ type: 'Warning', reason: 'UnknownTimeZone', message });
    return undefined;
  }
  try {
    return parseSchedule(spec.schedule);
  } catch (error) {
    const message = `unparseable schedule: ${JSON.stringify(spec.schedule)} : ${errorMessage(error)}`;
    news.push({ type: 'Warning', reason: 'UnparseableSchedule', message });
    return undefined;
  }
}

/** The last time that has come and was not acted on; those before it are lost. */
function dueTime(
  { metadata, spec, status }: CronJob,
  schedule: CronSchedule,
  zone: string,
  now: number,
  news: CronNews[],
): number | undefined {
  const { startingDeadlineSeconds: deadline } = spec;
  const since = Date.parse(status?.lastScheduleTime ?? metadata.creationTimestamp);
  const last = lastTime(schedule, deadline === undefined ? since : Math.max(since, now - deadline * 1000), now, zone);
  if (last !== undefined && last.missed > 100) {
    const message = 'too many missed start times. Set or decrease .spec.startingDeadlineSeconds or check clock skew';
    news.push({ type: 'Warning', reason: 'TooManyMissedTimes', message });
  }
  return last?.at;
}

function mayNotStart(cron: CronJob, status: CronJobStatus, due: number, now: number, news: CronNews[]): boolean {
  const { startingDeadlineSeconds: deadline, concurrencyPolicy } = cron.spec;
  if (deadline !== undefined && due + deadline * 1000 < now) {
    const message = `Missed scheduled time to start a job: ${new Date(due).toUTCString().replace('GMT', '+0000')}`;
    news.push({ type: 'Warning', reason: 'MissSchedule', message });
    return true;
  }
  if (concurrencyPolicy !== 'Forbid' || (status.active ?? []).length === 0) return false;
  const message = 'Not starting job because prior execution is running and concurrency policy is Forbid';
  news.push(normal('JobAlreadyActive', message));
  return true;
}

function normal(reason: string, message: string): CronNews {
  return { type: 'Normal', reason, message };
}

/** Named by the minute: the same time never makes two. */
function newJob(cron: CronJob, due: number, zone: string): NewObject<Job> {
  const { metadata, spec } = cron.spec.jobTemplate;
  const { name, namespace } = cron.metadata;
  return {
    metadata: {
      name: `${name}-${Math.floor(due / 60_000)}`,
      namespace,
      ...(metadata?.labels === undefined ? {} : { labels: metadata.labels }),
      annotations: { ...metadata?.annotations, 'batch.kubernetes.io/cronjob-scheduled-timestamp': stamp(due, zone) },
      ownerReferences: [controllerReference(cron)],
    },
    ...(spec === undefined ? {} : { spec }),
  };
}

/** RFC 3339 as clocks in the zone show it. */
function stamp(ms: number, zone: string): string {
  if (zone === 'UTC') return rfc3339(ms);
  const name = new Intl.DateTimeFormat('en-US', { timeZone: zone, timeZoneName: 'longOffset' })
    .formatToParts(ms)
    .find(({ type }) => type === 'timeZoneName')?.value;
  const [, sign = '+', hours = '00', minutes = '00'] = /GMT([+-])(\d\d):(\d\d)/.exec(name ?? '') ?? [];
  const offset = (sign === '-' ? -1 : 1) * (Number(hours) * 60 + Number(minutes));
  const local = rfc3339(ms + offset * 60_000);
  return offset === 0 ? local : local.replace('Z', `${sign}${hours}:${minutes}`);
}

/** The oldest of those that have ended, beyond what the limits keep. */
function staleJobs({ spec }: CronJob, jobs: readonly Job[]): readonly Job[] {
  const of = (type: string, limit: number): readonly Job[] => {
    const ended = jobs.filter((job) => finishedCondition(job)?.type === type && !isTerminating(job));
    return [...ended].sort((a, b) => (startOf(a) < startOf(b) ? -1 : 1)).slice(0, Math.max(0, ended.length - limit));
  };
  return [...of('Complete', spec.successfulJobsHistoryLimit ?? 3), ...of('Failed', spec.failedJobsHistoryLimit ?? 1)];
}

function startOf({ metadata, status }: Job): string {
  return `${status?.startTime ?? metadata.creationTimestamp} ${metadata.name}`;
}
