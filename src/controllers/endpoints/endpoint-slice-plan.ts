import { deepEqual } from '#api/equal.ts';
import type { EndpointSlice, Pod, Service } from '#api/generated/types.ts';
import type { NewObject } from '#api/object.ts';
import {
  addressTypesOf,
  type AddressType,
  desiredEndpoints,
  type EndpointGroup,
  portsKey,
  type ZoneOf,
} from './endpoint-slice-desired.ts';
import type { EndpointPort } from './endpoint-port.ts';
import { endpointKey, packEndpoints } from './endpoint-slice-packing.ts';
import { type HintNote, shareOut, wantsTopologyHints, withHint } from './topology-hints.ts';

export const MANAGED_BY = 'endpointslice-controller.k8s.io';
const SERVICE_NAME = 'kubernetes.io/service-name';
const MANAGED_BY_LABEL = 'endpointslice.kubernetes.io/managed-by';
const HEADLESS = 'service.kubernetes.io/headless';
const TRIGGER_TIME = 'endpoints.kubernetes.io/last-change-trigger-time';

export interface EndpointSlicePlan {
  readonly create: readonly NewObject<EndpointSlice>[];
  readonly update: readonly EndpointSlice[];
  readonly delete: readonly EndpointSlice[];
}

export interface ServicePlan extends EndpointSlicePlan {
  /** What became of the hints that the Service asks for, by address type. */
  readonly hints: ReadonlyMap<AddressType, HintNote>;
}

export interface EndpointSliceState {
  readonly service: Service;
  readonly pods: readonly Pod[];
  /** Those that this controller manages for the Service. */
  readonly slices: readonly EndpointSlice[];
  readonly zoneOf: ZoneOf;
  /** Each zone's part of the processors: zone-capacity.ts. */
  readonly capacity?: ReadonlyMap<string, number> | undefined;
  /** RFC 3339; when the oldest change that led here happened. */
  readonly triggerTime?: string | undefined;
}

/** The writes that take a Service's slices to what its Pods are now. Nothing to write: three empty lists. */
export function planEndpointSlices(state: EndpointSliceState): ServicePlan {
  const types = addressTypesOf(state.service);
  const stray = state.slices.filter(({ addressType }) => !types.includes(addressType as AddressType));
  const hints = new Map<AddressType, HintNote>();
  const plans = types.map((addressType) => planAddressType(state, addressType, hints));
  return {
    create: plans.flatMap((plan) => plan.create),
    update: plans.flatMap((plan) => plan.update),
    delete: [...stray, ...plans.flatMap((plan) => plan.delete)],
    hints,
  };
}

function planAddressType(
  state: EndpointSliceState,
  addressType: AddressType,
  hints: Map<AddressType, HintNote>,
): EndpointSlicePlan {
  const { service } = state;
  const existing = state.slices.filter((slice) => slice.addressType === addressType);
  const labels = labelsOf(service);
  const create: NewObject<EndpointSlice>[] = [];
  const update: EndpointSlice[] = [];
  // A Service deleted and made again under the same name does not take over slices of the first.
  const remove = existing.filter((slice) => !isOwned(slice, service));
  const owned = existing.filter((slice) => isOwned(slice, service));
  const byPorts = Map.groupBy(owned, (slice) => portsKey(slice.ports ?? []));
  for (const group of desiredGroups(state, addressType, owned, hints)) {
    const key = portsKey(group.ports);
    const packing = packEndpoints(byPorts.get(key) ?? [], group.endpoints);
    byPorts.delete(key);
    create.push(...packing.create.map((endpoints) => newSlice(state, addressType, group.ports, endpoints)));
    update.push(...packing.update.map(({ slice, endpoints }) => changedSlice(state, slice, endpoints)));
    remove.push(...packing.delete);
    const relabelled = packing.unchanged.filter((slice) => !deepEqual(slice.metadata.labels, labels));
    update.push(...relabelled.map((slice) => changedSlice(state, slice, slice.endpoints ?? [])));
  }
  for (const slices of byPorts.values()) remove.push(...slices);
  if (existing.length === remove.length && create.length === 0) {
    return planPlaceholder(state, addressType, remove);
  }
  return reuseDeleted(state, { create, update, delete: remove });
}

/** With hints by topology, where the Service asks for them: they win over its traffic distribution. */
function desiredGroups(
  { service, pods, zoneOf, capacity }: EndpointSliceState,
  addressType: AddressType,
  owned: readonly EndpointSlice[],
  hints: Map<AddressType, HintNote>,
): readonly EndpointGroup[] {
  const groups = desiredEndpoints(service, pods, addressType, zoneOf);
  if (!wantsTopologyHints(service)) return groups;
  const before = new Map<string, string>();
  for (const endpoint of owned.flatMap(({ endpoints }) => endpoints ?? [])) {
    const zone = endpoint.hints?.forZones?.[0]?.name;
    if (zone !== undefined) before.set(endpointKey(endpoint), zone);
  }
  const all = groups.flatMap(({ endpoints }) => endpoints);
  const { zones, note } = shareOut(all, before, capacity);
  hints.set(addressType, note);
  return groups.map((group) => ({
    ...group,
    endpoints: group.endpoints.map((endpoint) => withHint(endpoint, zones.get(endpointKey(endpoint)))),
  }));
}

/** A Service without endpoints keeps one slice without ports, so that its watchers see "none" rather than "not yet". */
function planPlaceholder(
  state: EndpointSliceState,
  addressType: AddressType,
  remove: readonly EndpointSlice[],
): EndpointSlicePlan {
  const placeholder = newSlice(state, addressType, [], []);
  const [only, ...others] = remove;
  if (only !== undefined && others.length === 0 && isPlaceholder(only, placeholder)) {
    return { create: [], update: [], delete: [] };
  }
  return reuseDeleted(state, { create: [placeholder], update: [], delete: remove });
}

function isPlaceholder(slice: EndpointSlice, placeholder: NewObject<EndpointSlice>): boolean {
  return (
    (slice.endpoints ?? []).length === 0 &&
    (slice.ports ?? []).length === 0 &&
    deepEqual(slice.metadata.labels, placeholder.metadata.labels) &&
    deepEqual(slice.metadata.ownerReferences, placeholder.metadata.ownerReferences)
  );
}

/** A slice to be deleted and one to be made become one write, which keeps the name. */
function reuseDeleted(state: EndpointSliceState, plan: EndpointSlicePlan): EndpointSlicePlan {
  const create = [...plan.create];
  const update = [...plan.update];
  const remove: EndpointSlice[] = [];
  for (const slice of plan.delete) {
    const made = isOwned(slice, state.service) ? create.pop() : undefined;
    if (made === undefined) remove.push(slice);
    else update.push({ ...changedSlice(state, slice, made.endpoints ?? []), ports: made.ports });
  }
  // A Service on its way out gets no new slices.
  return { create: state.service.metadata.deletionTimestamp === undefined ? create : [], update, delete: remove };
}

export function isOwned(slice: EndpointSlice, service: Service): boolean {
  return slice.metadata.ownerReferences?.some(({ uid }) => uid === service.metadata.uid) === true;
}

function labelsOf(service: Service): Record<string, string> {
  const { clusterIP = '' } = service.spec;
  const labels: Record<string, string> = { ...service.metadata.labels };
  delete labels[HEADLESS];
  if (clusterIP === '' || clusterIP === 'None') labels[HEADLESS] = '';
  labels[SERVICE_NAME] = service.metadata.name;
  labels[MANAGED_BY_LABEL] = MANAGED_BY;
  return labels;
}

function annotationsOf(
  before: Readonly<Record<string, string>> | undefined,
  triggerTime: string | undefined,
): { annotations?: Record<string, string> } {
  const annotations: Record<string, string> = { ...before };
  delete annotations[TRIGGER_TIME];
  if (triggerTime !== undefined) annotations[TRIGGER_TIME] = triggerTime;
  return Object.keys(annotations).length === 0 ? {} : { annotations };
}

export function newSlice(
  { service, triggerTime }: Pick<EndpointSliceState, 'service' | 'triggerTime'>,
  addressType: AddressType,
  ports: readonly EndpointPort[],
  endpoints: EndpointSlice['endpoints'] & {},
): NewObject<EndpointSlice> {
  const { name, namespace, uid } = service.metadata;
  return {
    metadata: {
      generateName: `${name}-`,
      namespace,
      labels: labelsOf(service),
      ...annotationsOf(undefined, triggerTime),
      ownerReferences: [{ apiVersion: 'v1', kind: 'Service', name, uid, controller: true, blockOwnerDeletion: true }],
    },
    addressType,
    endpoints,
    ports,
  };
}

export function changedSlice(
  { service, triggerTime }: Pick<EndpointSliceState, 'service' | 'triggerTime'>,
  slice: EndpointSlice,
  endpoints: EndpointSlice['endpoints'] & {},
): EndpointSlice {
  const { annotations, ...metadata } = slice.metadata;
  return {
    ...slice,
    metadata: { ...metadata, labels: labelsOf(service), ...annotationsOf(annotations, triggerTime) },
    endpoints,
  };
}
