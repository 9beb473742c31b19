import type { Node, PersistentVolume, PersistentVolumeClaim, Pod, StorageClass } from '#api/generated/types.ts';
import { isTerminating } from '../pod-state.ts';
import { claimNameOf, isClaimOf } from '../volume/pod-claims.ts';
import { never, notNow, type Refusal } from './refusal.ts';
import { classOfClaim, findVolume, isFullyBound, reachesNode, SELECTED_NODE } from '../volume/volume-match.ts';

/** What a decision about a Pod's volumes looks at; the scheduler's own latest decisions are laid over the caches. */
export interface VolumeWorld {
  readonly claimOf: (key: string) => PersistentVolumeClaim | undefined;
  readonly volumeOf: (name: string) => PersistentVolume | undefined;
  /** Volumes that the claim could have: free ones of its class and those meant for it. */
  readonly offersFor: (claim: PersistentVolumeClaim) => readonly PersistentVolume[];
  readonly classOf: (name: string) => StorageClass | undefined;
  /** Whether another Pod uses the claim. */
  readonly isUsed: (claimKey: string) => boolean;
}

/** What has to be written, and to become true, before the Pod can go to the node. */
export interface VolumePlan {
  readonly bind: readonly { readonly claim: PersistentVolumeClaim; readonly volume: PersistentVolume }[];
  readonly provision: readonly PersistentVolumeClaim[];
}

export interface ClaimView {
  /** Why no node at all will do, in upstream's words. */
  readonly hopeless: string | undefined;
  refusal(node: Node): Refusal | undefined;
  plan(node: Node): VolumePlan;
}

const NO_CLAIMS: ClaimView = {
  hopeless: undefined,
  refusal: () => undefined,
  plan: () => ({ bind: [], provision: [] }),
};

const NODE_CONFLICT = "node(s) didn't match PersistentVolume's node affinity";
const NOTHING_TO_BIND = "node(s) didn't find available persistent volumes to bind";
const ONE_POD_ONLY =
  'node(s) unavailable due to PersistentVolumeClaim with ReadWriteOncePod access mode already in-use by another pod';

/** Models the plugins volumebinding and volumerestrictions of v1.34. */
export function viewClaims(pod: Pod, world: VolumeWorld): ClaimView {
  const claims: PersistentVolumeClaim[] = [];
  for (const volume of pod.spec.volumes ?? []) {
    const name = claimNameOf(pod, volume);
    if (name === undefined) continue;
    const claim = world.claimOf(`${pod.metadata.namespace}/${name}`);
    const trouble = claimTrouble(pod, name, claim, volume.ephemeral !== undefined);
    if (trouble !== undefined) return { ...NO_CLAIMS, hopeless: trouble };
    if (claim !== undefined) claims.push(claim);
  }
  if (claims.length === 0) return NO_CLAIMS;
  const open = claims.filter((claim) => !isFullyBound(claim));
  const isDelayed = (claim: PersistentVolumeClaim): boolean =>
    (claim.spec.volumeName ?? '') === '' &&
    world.classOf(classOfClaim(claim))?.volumeBindingMode === 'WaitForFirstConsumer';
  if (!open.every(isDelayed)) return { ...NO_CLAIMS, hopeless: 'pod has unbound immediate PersistentVolumeClaims' };
  const volumes: PersistentVolume[] = [];
  for (const { spec } of claims.filter((claim) => isFullyBound(claim))) {
    const volume = world.volumeOf(spec.volumeName ?? '');
    if (volume === undefined) {
      return { ...NO_CLAIMS, hopeless: `persistentvolume "${spec.volumeName ?? ''}" not found` };
    }
    volumes.push(volume);
  }
  const exclusive = claims.some(
    ({ spec, metadata }) =>
      spec.accessModes?.includes('ReadWriteOncePod') === true && world.isUsed(`${metadata.namespace}/${metadata.name}`),
  );
  return {
    hopeless: undefined,
    refusal(node) {
      if (exclusive) return notNow(ONE_POD_ONLY);
      const isFar = !volumes.every((volume) => reachesNode(volume, node));
      const isStuck = planOpen(open, node, world) === undefined;
      if (!isFar && !isStuck) return undefined;
      return never(...(isFar ? [NODE_CONFLICT] : []), ...(isStuck ? [NOTHING_TO_BIND] : []));
    },
    plan: (node) => planOpen(open, node, world) ?? { bind: [], provision: [] },
  };
}

function claimTrouble(
  pod: Pod,
  name: string,
  claim: PersistentVolumeClaim | undefined,
  ephemeral: boolean,
): string | undefined {
  const quoted = `persistentvolumeclaim "${name}"`;
  if (claim === undefined) {
    return ephemeral ? `waiting for ephemeral volume controller to create the ${quoted}` : `${quoted} not found`;
  }
  if (claim.status?.phase === 'Lost') {
    return `${quoted} bound to non-existent persistentvolume "${claim.spec.volumeName ?? ''}"`;
  }
  if (isTerminating(claim)) return `${quoted} is being deleted`;
  if (!ephemeral || isClaimOf(pod, claim)) return undefined;
  const { namespace } = pod.metadata;
  return `PVC ${namespace}/${name} was not created for pod ${namespace}/${pod.metadata.name} (pod is not owner)`;
}

/** Undefined where a claim finds neither a volume nor somebody who makes one. */
function planOpen(
  open: readonly PersistentVolumeClaim[],
  node: Node,
  { offersFor, classOf }: VolumeWorld,
): VolumePlan | undefined {
  const bind: { claim: PersistentVolumeClaim; volume: PersistentVolume }[] = [];
  const provision: PersistentVolumeClaim[] = [];
  for (const claim of open) {
    const selected = claim.metadata.annotations?.[SELECTED_NODE];
    if (selected !== undefined && selected !== node.metadata.name) return undefined;
    const isTaken = (volume: PersistentVolume): boolean => bind.some((one) => one.volume === volume);
    const volume = selected === undefined ? findVolume(claim, offersFor(claim), { node, isTaken }) : undefined;
    if (volume !== undefined) bind.push({ claim, volume });
    else if (canProvision(classOf(classOfClaim(claim)), node)) provision.push(claim);
    else return undefined;
  }
  return { bind, provision };
}

function canProvision(storageClass: StorageClass | undefined, node: Node): boolean {
  const { provisioner = '', allowedTopologies = [] } = storageClass ?? {};
  if (provisioner === '' || provisioner === 'kubernetes.io/no-provisioner') return false;
  if (allowedTopologies.length === 0) return true;
  return allowedTopologies.some(({ matchLabelExpressions = [] }) =>
    matchLabelExpressions.every(({ key, values }) => values.includes(node.metadata.labels?.[key] ?? '')),
  );
}
