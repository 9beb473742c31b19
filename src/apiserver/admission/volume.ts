import type { PersistentVolumeClaim, StorageClass } from '#api/generated/types.ts';
import { compareQuantities } from '#api/quantity.ts';
import { persistentVolumeClaims, storageClasses } from '#api/resource.ts';
import { forbiddenStatus } from '#api/status.ts';
import { find, type ServerContext } from '../context.ts';
import { StatusError } from '../status-error.ts';

const OLD_CLASS = 'volume.beta.kubernetes.io/storage-class';
const DEFAULT_CLASS = [
  'storageclass.kubernetes.io/is-default-class',
  'storageclass.beta.kubernetes.io/is-default-class',
];

/** Gives a claim that names no class the default one; '' is the wish for none. */
export function admitClaimClass(server: ServerContext, claim: PersistentVolumeClaim): PersistentVolumeClaim {
  if (claim.spec.storageClassName !== undefined || claim.metadata.annotations?.[OLD_CLASS] !== undefined) return claim;
  const name = newestDefault(server);
  return name === undefined ? claim : { ...claim, spec: { ...claim.spec, storageClassName: name } };
}

/** Of several defaults the newest counts, then the first by name. */
function newestDefault(server: ServerContext): string | undefined {
  const classes = [...server.storage.cache(storageClasses).list()]
    .map(({ object }) => object as StorageClass)
    .filter(({ metadata: { annotations } }) => DEFAULT_CLASS.some((key) => annotations?.[key] === 'true'));
  const age = ({ metadata }: StorageClass): number => Date.parse(metadata.creationTimestamp);
  classes.sort((a, b) => age(b) - age(a) || (a.metadata.name < b.metadata.name ? -1 : 1));
  return classes[0]?.metadata.name;
}

/** Refuses that a claim grows whose class says nothing of growing. Models the plugin PersistentVolumeClaimResize. */
export function admitClaimSize(server: ServerContext, claim: PersistentVolumeClaim, old: PersistentVolumeClaim): void {
  const size = ({ spec }: PersistentVolumeClaim): string => spec.resources?.requests?.['storage'] ?? '0';
  if (compareQuantities(size(claim), size(old)) <= 0) return;
  if (old.status?.phase !== 'Bound') throw refusal(claim, 'Only bound persistent volume claims can be expanded');
  const className = claim.spec.storageClassName ?? '';
  const storageClass = className === '' ? undefined : find(server, storageClasses, className);
  if (storageClass?.allowVolumeExpansion === true) return;
  const why =
    'only dynamically provisioned pvc can be resized and the storageclass that provisions the pvc must support resize';
  throw refusal(claim, why);
}

function refusal({ metadata }: PersistentVolumeClaim, why: string): StatusError {
  return new StatusError(forbiddenStatus(persistentVolumeClaims, metadata.name, why));
}
