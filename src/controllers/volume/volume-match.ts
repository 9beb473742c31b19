import type { Node, PersistentVolume, PersistentVolumeClaim } from '#api/generated/types.ts';
import { compareQuantities } from '#api/quantity.ts';
import { matchesTerm } from '#api/pod/node-fit.ts';
import { isTerminating } from '../pod-state.ts';
import { matchesSelector } from '#api/selectors.ts';

/** Names that provisioners, schedulers and binders of every cluster share. */
export const BOUND_BY_CONTROLLER = 'pv.kubernetes.io/bound-by-controller';
export const BIND_COMPLETED = 'pv.kubernetes.io/bind-completed';
export const PROVISIONED_BY = 'pv.kubernetes.io/provisioned-by';
export const SELECTED_NODE = 'volume.kubernetes.io/selected-node';
export const PROVISIONER = 'volume.kubernetes.io/storage-provisioner';
export const OLD_PROVISIONER = 'volume.beta.kubernetes.io/storage-provisioner';
const OLD_CLASS = 'volume.beta.kubernetes.io/storage-class';

/** The older annotation wins, as it does upstream. */
export function classOfClaim({ metadata, spec }: PersistentVolumeClaim): string {
  return metadata.annotations?.[OLD_CLASS] ?? spec.storageClassName ?? '';
}

export function classOfVolume({ metadata, spec }: PersistentVolume): string {
  return metadata.annotations?.[OLD_CLASS] ?? spec.storageClassName ?? '';
}

export function sizeOfVolume({ spec }: PersistentVolume): string {
  return spec.capacity?.['storage'] ?? '0';
}

export function sizeOfClaim({ spec }: PersistentVolumeClaim): string {
  return spec.resources?.requests?.['storage'] ?? '0';
}

/** Bound to the claim, or set aside for it by its name. */
export function isMeantFor({ spec: { claimRef } }: PersistentVolume, { metadata }: PersistentVolumeClaim): boolean {
  if (claimRef?.name !== metadata.name || claimRef.namespace !== metadata.namespace) return false;
  return (claimRef.uid ?? '') === '' || claimRef.uid === metadata.uid;
}

export function isFullyBound({ metadata, spec }: PersistentVolumeClaim): boolean {
  return (spec.volumeName ?? '') !== '' && metadata.annotations?.[BIND_COMPLETED] !== undefined;
}

export function reachesNode({ spec }: PersistentVolume, node: Node): boolean {
  const required = spec.nodeAffinity?.required;
  return required === undefined || required.nodeSelectorTerms.some((term) => matchesTerm(term, node));
}

function hasModes(volume: PersistentVolume, claim: PersistentVolumeClaim): boolean {
  return (claim.spec.accessModes ?? []).every((mode) => volume.spec.accessModes?.includes(mode) === true);
}

function sameMode(volume: PersistentVolume, claim: PersistentVolumeClaim): boolean {
  return (volume.spec.volumeMode ?? 'Filesystem') === (claim.spec.volumeMode ?? 'Filesystem');
}

/** Why a claim cannot have the volume that it names; undefined when it can. */
export function mismatch(volume: PersistentVolume, claim: PersistentVolumeClaim): string | undefined {
  if (isTerminating(volume)) return `the volume is marked for deletion ${JSON.stringify(volume.metadata.name)}`;
  if (compareQuantities(sizeOfVolume(volume), sizeOfClaim(claim)) < 0) return 'requested PV is too small';
  if (classOfVolume(volume) !== classOfClaim(claim)) return 'storageClassName does not match';
  if (!sameMode(volume, claim)) return 'incompatible volumeMode';
  return hasModes(volume, claim) ? undefined : 'incompatible accessMode';
}

export interface MatchOptions {
  /** The scheduler's view: volumes that this node reaches. */
  readonly node?: Node | undefined;
  readonly isTaken?: ((volume: PersistentVolume) => boolean) | undefined;
  /** Only what is meant for the claim already: the scheduler decides about the rest. */
  readonly onlyMeant?: boolean | undefined;
}

/**
 * The volume meant for the claim, or else the smallest that satisfies it. Models FindMatchingVolume of v1.34
 * (component-helpers/storage/volume/pv_helpers.go).
 */
export function findVolume(
  claim: PersistentVolumeClaim,
  volumes: Iterable<PersistentVolume>,
  { node, isTaken = () => false, onlyMeant = false }: MatchOptions = {},
): PersistentVolume | undefined {
  let smallest: PersistentVolume | undefined;
  for (const volume of volumes) {
    const meant = isMeantFor(volume, claim);
    if (isTaken(volume) || !mayHave(volume, claim, meant)) continue;
    const reached = node === undefined || reachesNode(volume, node);
    if (meant) return reached ? volume : undefined;
    if (onlyMeant || !reached || !isOffer(volume, claim)) continue;
    const isSmaller = smallest === undefined || compareQuantities(sizeOfVolume(smallest), sizeOfVolume(volume)) > 0;
    if (isSmaller) smallest = volume;
  }
  return smallest;
}

function mayHave(volume: PersistentVolume, claim: PersistentVolumeClaim, meant: boolean): boolean {
  if (volume.spec.claimRef !== undefined && !meant) return false;
  const isLarge = compareQuantities(sizeOfVolume(volume), sizeOfClaim(claim)) >= 0;
  return isLarge && sameMode(volume, claim) && !isTerminating(volume);
}

function isOffer(volume: PersistentVolume, claim: PersistentVolumeClaim): boolean {
  const { selector } = claim.spec;
  return (
    volume.status?.phase === 'Available' &&
    classOfVolume(volume) === classOfClaim(claim) &&
    hasModes(volume, claim) &&
    (selector === undefined || matchesSelector(selector, volume.metadata.labels))
  );
}
