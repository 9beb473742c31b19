import {
  age,
  ageColumn,
  column,
  containerCells,
  containersColumn,
  imagesColumn,
  nameColumn,
  selectorColumn,
} from '../columns.ts';
import { failurePolicyDefaults, validatePolicies } from '../batch/job-policies.ts';
import { defineKind } from '../define-kind.ts';
import { humanDuration } from '../duration.ts';
import { type FieldError, invalid, required, unsupported } from '../field-error.ts';
import type * as t from '../generated/types.ts';
import type { KindDefinition } from '../kind.ts';
import { selectorCell } from '../label-selector.ts';
import { podTemplateDefaults } from '../pod/defaults.ts';
import { jobs } from '../resource.ts';
import { validateChoice, validateImmutable, validateNonnegative } from '../validation.ts';
import { validateOwnSelector, validateSelectedTemplate } from '../workload.ts';

/** A Job without labels of its own has those of its Pods, also those that its Pods get from the server. */
function withLabels(job: t.Job, before?: t.Job): t.Job {
  const labels = job.spec.template?.metadata?.labels;
  const own = job.metadata.labels ?? {};
  const isNamed = Object.keys(own).length > 0 && own !== before?.spec.template.metadata?.labels;
  return isNamed || labels === undefined ? job : { ...job, metadata: { ...job.metadata, labels } };
}

function defaults(job: t.Job): t.Job {
  const { spec: given } = job;
  const single = given.completions === undefined && given.parallelism === undefined;
  return {
    ...withLabels(job),
    spec: {
      ...given,
      ...(single ? { completions: 1 } : {}),
      parallelism: given.parallelism ?? 1,
      // With a limit for each index of its own there is none for all of them together.
      backoffLimit: given.backoffLimit ?? (given.backoffLimitPerIndex === undefined ? 6 : 2 ** 31 - 1),
      completionMode: given.completionMode ?? 'NonIndexed',
      suspend: given.suspend ?? false,
      manualSelector: given.manualSelector ?? false,
      podReplacementPolicy:
        given.podReplacementPolicy ?? (given.podFailurePolicy === undefined ? 'TerminatingOrFailed' : 'Failed'),
      ...failurePolicyDefaults(given.podFailurePolicy),
      template: podTemplateDefaults(given.template),
    },
  };
}

/** Unless a client insists on a selector of its own, a Job finds its Pods by its uid, which no other object shares. */
function prepareCreate(job: t.Job): t.Job {
  const { metadata, spec } = job;
  if (spec.manualSelector === true || metadata.uid === undefined) return job;
  const uid = { 'batch.kubernetes.io/controller-uid': metadata.uid };
  const labels = {
    ...spec.template.metadata?.labels,
    ...uid,
    'controller-uid': metadata.uid,
    'batch.kubernetes.io/job-name': metadata.name,
    'job-name': metadata.name,
  };
  const selector = { ...spec.selector, matchLabels: { ...spec.selector?.matchLabels, ...uid } };
  const template = { ...spec.template, metadata: { ...spec.template.metadata, labels } };
  return withLabels({ ...job, spec: { ...spec, selector, template } }, job);
}

function statusCell({ metadata, status }: t.Job): string {
  const holds = (type: string): boolean =>
    status?.conditions?.some((condition) => condition.type === type && condition.status === 'True') === true;
  if (holds('Complete')) return 'Complete';
  if (holds('Failed')) return 'Failed';
  if (metadata.deletionTimestamp !== undefined) return 'Terminating';
  return ['Suspended', 'FailureTarget', 'SuccessCriteriaMet'].find(holds) ?? 'Running';
}

function completionsCell({ spec, status }: t.Job): string {
  const succeeded = status?.succeeded ?? 0;
  if (spec.completions !== undefined) return `${succeeded}/${spec.completions}`;
  const parallel = spec.parallelism ?? 0;
  return parallel > 1 ? `${succeeded}/1 of ${parallel}` : `${succeeded}/1`;
}

function durationCell({ status }: t.Job, now: number): string {
  if (status?.startTime === undefined) return '';
  const end = status.completionTime === undefined ? now : Date.parse(status.completionTime);
  return humanDuration(end - Date.parse(status.startTime));
}

function validateRestart({ template, podFailurePolicy }: t.JobSpec): FieldError[] {
  const field = 'spec.template.spec.restartPolicy';
  const policy = template.spec?.restartPolicy ?? 'Always';
  // What was left out is Always by now.
  if (policy === 'Always') return [required(field, 'valid values: "OnFailure", "Never"')];
  if (policy !== 'Never' && policy !== 'OnFailure') return [unsupported(field, policy, ['OnFailure', 'Never'])];
  if (podFailurePolicy === undefined || policy === 'Never') return [];
  return [invalid(field, policy, 'only "Never" is supported when podFailurePolicy is specified')];
}

function validate({ spec }: t.Job): FieldError[] {
  const errors = [
    ...validateNonnegative('spec.parallelism', spec.parallelism),
    ...validateNonnegative('spec.completions', spec.completions),
    ...validateNonnegative('spec.backoffLimit', spec.backoffLimit),
    ...validateNonnegative('spec.activeDeadlineSeconds', spec.activeDeadlineSeconds),
    ...validateNonnegative('spec.ttlSecondsAfterFinished', spec.ttlSecondsAfterFinished),
    ...validateChoice('spec.completionMode', spec.completionMode, ['Indexed', 'NonIndexed']),
    ...validatePolicies(spec),
    ...validateOwnSelector(spec.selector, 'job'),
    ...validateSelectedTemplate(spec.template, spec.selector),
  ];
  return [...errors, ...validateRestart(spec)];
}

export const job: KindDefinition<t.Job> = defineKind(jobs, {
  categories: ['all'],
  subresources: { status: true },
  defaultPropagation: 'Orphan',
  generation: true,
  columns: [
    nameColumn,
    column('Status', 'string', 'Running, or how it ended.'),
    column('Completions', 'string', 'Pods that succeeded, out of those needed.'),
    column('Duration', 'string', 'How long it took, or has taken so far.'),
    ageColumn,
    containersColumn,
    imagesColumn,
    selectorColumn,
  ],
  row: (job, now) => [
    job.metadata.name,
    statusCell(job),
    completionsCell(job),
    durationCell(job, now),
    age(job, now),
    ...containerCells(job.spec.template),
    selectorCell(job.spec.selector),
  ],
  fields: { 'status.successful': ({ status }) => String(status?.succeeded ?? 0) },
  defaults,
  prepareCreate,
  validate,
  validateChange: ({ spec }, { spec: old }) => [
    ...validateImmutable('spec.completions', spec.completions, old.completions),
    ...validateImmutable('spec.selector', spec.selector, old.selector),
    ...(spec.suspend === true || old.suspend === true
      ? []
      : validateImmutable('spec.template', spec.template, old.template)),
    ...(['completionMode', 'podFailurePolicy', 'backoffLimitPerIndex', 'managedBy', 'successPolicy'] as const).flatMap(
      (key) => validateImmutable(`spec.${key}`, spec[key], old[key]),
    ),
  ],
});
