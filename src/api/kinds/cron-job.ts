import {
  age,
  ageColumn,
  column,
  containerCells,
  containersColumn,
  imagesColumn,
  nameColumn,
  orNone,
  selectorColumn,
} from '../columns.ts';
import { defineKind } from '../define-kind.ts';
import { ageOf } from '../duration.ts';
import { type FieldError, invalid, required } from '../field-error.ts';
import type * as t from '../generated/types.ts';
import type { KindDefinition } from '../kind.ts';
import { selectorCell } from '../label-selector.ts';
import { maxLengthMessage } from '../names.ts';
import { scheduleProblem } from '../schedule-text.ts';
import { podTemplateDefaults } from '../pod/defaults.ts';
import { validatePodTemplate } from '../pod/validation.ts';
import { cronJobs } from '../resource.ts';
import { validateChoice, validateNonnegative } from '../validation.ts';
import { validateEnding } from '../workload.ts';

/** The Jobs' names are 11 characters longer, and no name of a Pod's owner exceeds 63. */
const MAX_NAME = 52;

function defaults(cron: t.CronJob): t.CronJob {
  const { spec: given } = cron;
  const template = podTemplateDefaults(given.jobTemplate?.spec?.template);
  return {
    ...cron,
    spec: {
      ...given,
      concurrencyPolicy: given.concurrencyPolicy ?? 'Allow',
      suspend: given.suspend ?? false,
      successfulJobsHistoryLimit: given.successfulJobsHistoryLimit ?? 3,
      failedJobsHistoryLimit: given.failedJobsHistoryLimit ?? 1,
      jobTemplate: {
        ...given.jobTemplate,
        metadata: given.jobTemplate?.metadata ?? {},
        spec: { ...given.jobTemplate?.spec, template },
      },
    },
  };
}

function validateSchedule(schedule: string): FieldError[] {
  if (schedule === '') return [required('spec.schedule')];
  const problem = scheduleProblem(schedule);
  return problem === undefined ? [] : [invalid('spec.schedule', schedule, problem)];
}

function validateZone(zone: string | undefined): FieldError[] {
  if (zone === undefined) return [];
  if (zone === '') return [invalid('spec.timeZone', zone, 'timeZone must be nil or non-empty string')];
  try {
    Intl.DateTimeFormat('en', { timeZone: zone });
    return [];
  } catch {
    return [invalid('spec.timeZone', zone, `unknown time zone ${zone}`)];
  }
}

function validate({ metadata, spec }: t.CronJob): FieldError[] {
  const errors = [
    ...validateSchedule(spec.schedule ?? ''),
    ...validateZone(spec.timeZone),
    ...validateNonnegative('spec.startingDeadlineSeconds', spec.startingDeadlineSeconds),
    ...validateChoice('spec.concurrencyPolicy', spec.concurrencyPolicy, ['Allow', 'Forbid', 'Replace']),
    ...validateNonnegative('spec.successfulJobsHistoryLimit', spec.successfulJobsHistoryLimit),
    ...validateNonnegative('spec.failedJobsHistoryLimit', spec.failedJobsHistoryLimit),
    ...validatePodTemplate(spec.jobTemplate.spec?.template, 'spec.jobTemplate.spec.template'),
    ...validateEnding(spec.jobTemplate.spec?.template, 'spec.jobTemplate.spec.template'),
  ];
  if (metadata.name === undefined || metadata.name.length <= MAX_NAME) return errors;
  return [...errors, invalid('metadata.name', metadata.name, maxLengthMessage(MAX_NAME))];
}

export const cronJob: KindDefinition<t.CronJob> = defineKind(cronJobs, {
  shortNames: ['cj'],
  categories: ['all'],
  subresources: { status: true },
  generation: true,
  columns: [
    nameColumn,
    column('Schedule', 'string', 'When Jobs are started, in cron form.'),
    column('Timezone', 'string', 'Time zone of the schedule.'),
    column('Suspend', 'boolean', 'Whether it starts no Jobs for now.'),
    column('Active', 'integer', 'Jobs that are running.'),
    column('Last Schedule', 'string', 'Time since a Job was started last.'),
    ageColumn,
    containersColumn,
    imagesColumn,
    selectorColumn,
  ],
  row: (cron, now) => {
    const { metadata, spec, status } = cron;
    const selector = spec.jobTemplate.spec?.selector;
    return [
      metadata.name,
      spec.schedule,
      orNone(spec.timeZone),
      spec.suspend === undefined ? '<unset>' : spec.suspend ? 'True' : 'False',
      status?.active?.length ?? 0,
      status?.lastScheduleTime === undefined ? '<none>' : ageOf(status.lastScheduleTime, now),
      age(cron, now),
      ...containerCells(spec.jobTemplate.spec?.template),
      selector === undefined ? '<none>' : selectorCell(selector),
    ];
  },
  defaults,
  validate,
});
