import { type FieldError, forbidden, invalid, required, unsupported } from '../field-error.ts';
import type * as t from '../generated/types.ts';
import { validateUnique } from '../meta-validation.ts';
import { checkDns1123Label } from '../names.ts';
import { quantityMillis } from '../quantity.ts';
import { invalidAll } from '../validation.ts';

const HOST_PATH_TYPES = [
  '',
  'BlockDevice',
  'CharDevice',
  'Directory',
  'DirectoryOrCreate',
  'File',
  'FileOrCreate',
  'Socket',
];

/** Models ValidateVolumes of v1.34, for the kinds of volumes that a node here knows. */
export function validateVolumes(volumes: readonly t.Volume[], field: string): FieldError[] {
  const errors = volumes.flatMap((volume, i) => {
    const at = `${field}[${i}]`;
    const name = volume.name ?? '';
    const sources = Object.keys(volume).filter((key) => key !== 'name');
    return [
      ...sources.slice(1).map((key) => forbidden(`${at}.${key}`, 'may not specify more than 1 volume type')),
      ...validateSource(volume, at),
      ...(name === '' ? [required(`${at}.name`)] : invalidAll(`${at}.name`, name, checkDns1123Label(name))),
    ];
  });
  return [
    ...errors,
    ...validateUnique(
      volumes,
      (i) => `${field}[${i}].name`,
      (volume) => volume.name,
    ),
  ];
}

function validateSource(volume: t.Volume, at: string): FieldError[] {
  const { emptyDir, hostPath, configMap, secret, downwardAPI, projected, persistentVolumeClaim, ephemeral } = volume;
  const errors: FieldError[] = [];
  if (emptyDir?.sizeLimit !== undefined && quantityMillis(emptyDir.sizeLimit) < 0) {
    errors.push(forbidden(`${at}.emptyDir.sizeLimit`, 'SizeLimit field must be a valid resource quantity'));
  }
  if (hostPath !== undefined) errors.push(...validateHostPath(hostPath, `${at}.hostPath`));
  if (configMap !== undefined) {
    errors.push(
      ...validateNamed(configMap.name, `${at}.configMap.name`),
      ...validateFiles(configMap, `${at}.configMap`),
    );
  }
  if (secret !== undefined) {
    errors.push(
      ...validateNamed(secret.secretName, `${at}.secret.secretName`),
      ...validateFiles(secret, `${at}.secret`),
    );
  }
  if (downwardAPI !== undefined) {
    const field = `${at}.downwardAPI`;
    errors.push(...validateMode(downwardAPI.defaultMode, `${field}.defaultMode`));
    errors.push(...(downwardAPI.items ?? []).flatMap((item) => validateDownwardFile(item, field)));
  }
  if (projected !== undefined) errors.push(...validateProjected(projected, `${at}.projected`));
  if (persistentVolumeClaim !== undefined) {
    errors.push(...validateNamed(persistentVolumeClaim.claimName, `${at}.persistentVolumeClaim.claimName`));
  }
  if (ephemeral !== undefined && ephemeral.volumeClaimTemplate === undefined) {
    errors.push(required(`${at}.ephemeral.volumeClaimTemplate`));
  }
  return errors;
}

function validateNamed(name: string | undefined, at: string): FieldError[] {
  return (name ?? '') === '' ? [required(at)] : [];
}

function validateHostPath({ path = '', type }: Partial<t.HostPathVolumeSource>, at: string): FieldError[] {
  if (path === '') return [required(`${at}.path`)];
  const wrong =
    type === undefined || HOST_PATH_TYPES.includes(type) ? [] : [unsupported(`${at}.type`, type, HOST_PATH_TYPES)];
  return [...validateNoBacksteps(path, `${at}.path`), ...wrong];
}

interface KeyedFiles {
  readonly defaultMode?: number | undefined;
  readonly items?: readonly t.KeyToPath[] | undefined;
}

function validateFiles({ defaultMode, items = [] }: KeyedFiles, at: string): FieldError[] {
  return [
    ...validateMode(defaultMode, `${at}.defaultMode`),
    ...items.flatMap((item, i) => validateItem(item, `${at}.items[${i}]`)),
  ];
}

function validateItem({ key = '', path = '', mode }: Partial<t.KeyToPath>, at: string): FieldError[] {
  return [
    ...(key === '' ? [required(`${at}.key`)] : []),
    ...validateFilePath(path, `${at}.path`),
    ...validateMode(mode, `${at}.mode`),
  ];
}

function validateDownwardFile(file: Partial<t.DownwardAPIVolumeFile>, at: string): FieldError[] {
  const { path = '', fieldRef, resourceFieldRef, mode } = file;
  const errors = validateFilePath(path, `${at}.path`);
  if (fieldRef !== undefined && resourceFieldRef !== undefined) {
    errors.push(invalid(at, 'resource', 'fieldRef and resourceFieldRef can not be specified simultaneously'));
  } else if (fieldRef === undefined && resourceFieldRef === undefined) {
    errors.push(required(at, 'one of fieldRef and resourceFieldRef is required'));
  } else if (resourceFieldRef !== undefined && (resourceFieldRef.containerName ?? '') === '') {
    errors.push(required(`${at}.resourceFieldRef.containerName`));
  }
  return [...errors, ...validateMode(mode, `${at}.mode`)];
}

function validateProjected({ defaultMode, sources = [] }: t.ProjectedVolumeSource, at: string): FieldError[] {
  const taken = new Set<string>();
  const conflicts = (paths: readonly (string | undefined)[], value: (path: string) => string): FieldError[] =>
    paths.flatMap((path = '') => {
      if (path === '') return [];
      if (taken.has(path)) return [invalid(at, value(path), 'conflicting duplicate paths')];
      taken.add(path);
      return [];
    });
  const errors = sources.flatMap((source, i) => {
    const { secret, configMap, downwardAPI, serviceAccountToken } = source;
    const field = `${at}.sources[${i}]`;
    const keyed = ([key, of]: readonly [string, typeof secret | typeof configMap]): FieldError[] => {
      if (of === undefined) return [];
      const { name = '', items = [] } = of;
      return [
        ...validateNamed(name, `${field}.${key}.name`),
        ...validateFiles({ items }, `${field}.${key}`),
        ...conflicts(
          items.map(({ path }) => path),
          () => name,
        ),
      ];
    };
    const files = downwardAPI?.items ?? [];
    return [
      ...keyed(['secret', secret]),
      ...keyed(['configMap', configMap]),
      ...files.flatMap((file) => validateDownwardFile(file, `${field}.downwardAPI`)),
      ...conflicts(
        files.map(({ path }) => path),
        (path) => path,
      ),
      ...(serviceAccountToken === undefined
        ? []
        : validateToken(serviceAccountToken, at, `${field}.serviceAccountToken`)),
      ...(Object.keys(source).length > 1
        ? [forbidden(field, 'may not specify more than 1 volume type per source')]
        : []),
    ];
  });
  return [...validateMode(defaultMode, `${at}.defaultMode`), ...errors];
}

/** Upstream has the path at the volume itself. */
function validateToken(
  { path = '', expirationSeconds = 3600 }: Partial<t.ServiceAccountTokenProjection>,
  volume: string,
  at: string,
): FieldError[] {
  const field = `${at}.expirationSeconds`;
  const errors = validateFilePath(path, `${volume}.path`);
  const less = 'may not specify a duration less than 10 minutes';
  if (expirationSeconds < 600) return [invalid(field, expirationSeconds, less), ...errors];
  const larger = 'may not specify a duration larger than 2^32 seconds';
  return expirationSeconds > 2 ** 32 ? [invalid(field, expirationSeconds, larger), ...errors] : errors;
}

function validateMode(mode: number | undefined, at: string): FieldError[] {
  if (mode === undefined || (mode >= 0 && mode <= 0o777)) return [];
  return [invalid(at, mode, 'must be a number between 0 and 0777 (octal), both inclusive')];
}

/** In the volume, and not among what the node keeps there for itself. */
function validateFilePath(path: string, at: string): FieldError[] {
  if (path === '') return [required(at)];
  return [
    ...(path.startsWith('/') ? [invalid(at, path, 'must be a relative path')] : []),
    ...validateNoBacksteps(path, at),
    ...(/^\.\.(?!\/)/.test(path) ? [invalid(at, path, "must not start with '..'")] : []),
  ];
}

function validateNoBacksteps(path: string, at: string): FieldError[] {
  return path.split('/').includes('..') ? [invalid(at, path, "must not contain '..'")] : [];
}
