import type { Scale } from '#api/generated/types.ts';
import { invalid, invalidStatus } from '#api/field-error.ts';
import {
  formatSelector,
  selectorFromLabels,
  selectorFromObject,
  type LabelSelectorObject,
} from '#api/label-selector.ts';
import type { ScalePaths } from '#api/kind.ts';
import type { KubeObject } from '#api/object.ts';
import type { JsonObject } from '#api/patch/json-value.ts';
import type { ApiResponse } from '#api/request.ts';
import { badRequest, methodNotAllowed, modifiedConflict } from '#api/status.ts';
import { checkObject, decodeBody } from '../body.ts';
import type { ResourceContext } from '../context.ts';
import { countedMembers, mergeTypeOf, writerOf } from '../field-manager.ts';
import { parseWriteOptions } from '../write-options.ts';
import { StatusError } from '../status-error.ts';
import { isApply, laidOver } from './apply.ts';
import { existing } from './get.ts';
import { applyPatch, readPatch } from './patch.ts';
import { decodePatch } from './patch-body.ts';
import { modify, type Target, targetOf } from './update.ts';

const IDENTITY = { apiVersion: 'autoscaling/v1', kind: 'Scale', model: 'Scale' } as const;

/** `scale` shows of any kind that has replicas how many there are and shall be, in one form for all. */
export async function scale(context: ResourceContext, paths: ScalePaths): Promise<ApiResponse> {
  switch (context.verb) {
    case 'get':
      return answer(scaleOf(existing(context).object, paths));
    case 'update':
      return updateScale(context, paths);
    case 'patch':
      return patchScale(context, paths);
    default:
      throw new StatusError(methodNotAllowed());
  }
}

function answer(body: Scale, warnings: readonly string[] = []): ApiResponse {
  return { kind: 'object', status: 200, body, warnings };
}

async function updateScale(context: ResourceContext, paths: ScalePaths): Promise<ApiResponse> {
  const { dryRun, fieldValidation } = parseWriteOptions(context.request.query, 'UpdateOptions');
  const checked = checkObject(await decodeBody(context.request, 'Scale'), IDENTITY, fieldValidation);
  return answer(await setReplicas(context, paths, () => checked.object as Scale, dryRun), checked.warnings);
}

async function patchScale(context: ResourceContext, paths: ScalePaths): Promise<ApiResponse> {
  if (isApply(context.request)) return applyScale(context, paths);
  const { dryRun, fieldValidation } = parseWriteOptions(context.request.query, 'PatchOptions');
  const { apply, duplicates } = await readPatch(context.request, 'Scale');
  const change = (present: Scale): Scale => {
    const value = applyPatch(apply, present);
    return checkObject({ value, duplicates }, IDENTITY, fieldValidation).object as Scale;
  };
  return answer(await setReplicas(context, paths, change, dryRun));
}

/** An apply of the one field that a Scale has, whose owner is recorded in the object itself. */
async function applyScale(context: ResourceContext, paths: ScalePaths): Promise<ApiResponse> {
  const { dryRun, fieldValidation, force } = parseWriteOptions(context.request.query, 'PatchOptions', true);
  const checked = checkObject(await decodePatch(context.request), IDENTITY, fieldValidation);
  const wanted = checked.object as Scale;
  const { kind } = context;
  const target: Target = { ...targetOf(context), writer: writerOf(context, 'Apply') };
  const options = { force, counts: countedMembers(kind, 'main'), type: mergeTypeOf(kind), writer: target.writer };
  const replicas = wanted.spec?.replicas;
  const written = await modify(
    target,
    'main',
    ({ object }) => {
      checkScale(context, wanted, object);
      const identity = { apiVersion: object.apiVersion, kind: object.kind, metadata: {} } as unknown as KubeObject;
      const config = replicas === undefined ? identity : withPath(identity, paths.specReplicas, replicas);
      return laidOver(object, config as unknown as JsonObject, options);
    },
    dryRun,
  );
  return answer(scaleOf(written.object, paths), checked.warnings);
}

async function setReplicas(
  context: ResourceContext,
  paths: ScalePaths,
  change: (present: Scale) => Scale,
  dryRun: boolean,
): Promise<Scale> {
  const target = targetOf(context);
  const written = await modify(
    target,
    'main',
    ({ object }) => {
      const wanted = change(scaleOf(object, paths));
      checkScale(context, wanted, object);
      return withPath(object, paths.specReplicas, wanted.spec?.replicas ?? 0);
    },
    dryRun,
  );
  return scaleOf(written.object, paths);
}

function checkScale({ info, kind }: ResourceContext, { metadata, spec }: Scale, object: KubeObject): void {
  const name = metadata.name || info.name;
  if (name !== info.name) {
    throw new StatusError(
      badRequest(`the name of the object (${name ?? ''}) does not match the name on the URL (${info.name ?? ''})`),
    );
  }
  const version = metadata.resourceVersion ?? '';
  if (version !== '' && version !== object.metadata.resourceVersion) {
    throw new StatusError(modifiedConflict(kind.resource, name ?? ''));
  }
  const replicas = spec?.replicas ?? 0;
  if (replicas < 0) {
    const error = invalid('spec.replicas', replicas, 'must be greater than or equal to 0');
    throw new StatusError(invalidStatus({ group: 'autoscaling', kind: 'Scale' }, name ?? '', [error]));
  }
}

function scaleOf(object: KubeObject, paths: ScalePaths): Scale {
  const { name, namespace, uid, resourceVersion, creationTimestamp } = object.metadata;
  const selector = paths.selector === undefined ? '' : selectorText(valueAt(object, paths.selector));
  return {
    kind: 'Scale',
    apiVersion: 'autoscaling/v1',
    metadata: { name, namespace, uid, resourceVersion, creationTimestamp },
    spec: { replicas: numberAt(object, paths.specReplicas) },
    status: { replicas: numberAt(object, paths.statusReplicas), ...(selector === '' ? {} : { selector }) },
  };
}

function keysOf(path: string): readonly string[] {
  return path.split('.').filter((key) => key !== '');
}

function valueAt(object: unknown, path: string): unknown {
  return keysOf(path).reduce<unknown>((value, key) => (value as Record<string, unknown> | undefined)?.[key], object);
}

function numberAt(object: unknown, path: string): number {
  const value = valueAt(object, path);
  return typeof value === 'number' ? value : 0;
}

/** Kinds have it as text, as a plain map (ReplicationController) or as a LabelSelector. */
function selectorText(value: unknown): string {
  if (typeof value === 'string') return value;
  if (typeof value !== 'object' || value === null) return '';
  const isObject = 'matchLabels' in value || 'matchExpressions' in value;
  return formatSelector(
    isObject ? selectorFromObject(value as LabelSelectorObject) : selectorFromLabels(value as Record<string, string>),
  );
}

function withPath(object: KubeObject, path: string, value: unknown): KubeObject {
  const set = (at: unknown, [key, ...rest]: readonly string[]): unknown => {
    if (key === undefined) return value;
    const members = (at ?? {}) as Readonly<Record<string, unknown>>;
    return { ...members, [key]: set(members[key], rest) };
  };
  return set(object, keysOf(path)) as KubeObject;
}
