import { age, ageColumn, column, nameColumn, orNone, wideColumn } from '../columns.ts';
import { defineKind } from '../define-kind.ts';
import { deepEqual } from '../equal.ts';
import { type FieldError, forbidden, invalid, required } from '../field-error.ts';
import type * as t from '../generated/types.ts';
import type { Cell, KindDefinition } from '../kind.ts';
import { checkQualifiedName } from '../names.ts';
import { nodes } from '../resource.ts';
import { invalidAll, validateChoice } from '../validation.ts';

const ROLE_PREFIX = 'node-role.kubernetes.io/';
const EFFECTS = ['NoSchedule', 'PreferNoSchedule', 'NoExecute'];

function statusCell(node: t.Node): string {
  const ready = node.status?.conditions?.find(({ type }) => type === 'Ready');
  const text = ready === undefined ? 'Unknown' : ready.status === 'True' ? 'Ready' : 'NotReady';
  return node.spec.unschedulable === true ? `${text},SchedulingDisabled` : text;
}

function rolesCell(node: t.Node): string {
  const roles = new Set<string>();
  for (const [key, value] of Object.entries(node.metadata.labels ?? {})) {
    if (key.startsWith(ROLE_PREFIX) && key.length > ROLE_PREFIX.length) roles.add(key.slice(ROLE_PREFIX.length));
    else if (key === 'kubernetes.io/role' && value !== '') roles.add(value);
  }
  return orNone([...roles].sort().join(','));
}

function row(node: t.Node, now: number): readonly Cell[] {
  const info: Partial<t.NodeSystemInfo> = node.status?.nodeInfo ?? {};
  const address = (type: string): string => orNone(node.status?.addresses?.find((of) => of.type === type)?.address);
  return [
    node.metadata.name,
    statusCell(node),
    rolesCell(node),
    age(node, now),
    info.kubeletVersion ?? '',
    address('InternalIP'),
    address('ExternalIP'),
    orNone(info.osImage, '<unknown>'),
    orNone(info.kernelVersion, '<unknown>'),
    orNone(info.containerRuntimeVersion, '<unknown>'),
  ];
}

function validateTaints(taints: readonly Partial<t.Taint>[]): FieldError[] {
  const seen = new Set<string>();
  return taints.flatMap(({ key = '', effect }, i) => {
    // Where they were before they had a field.
    const field = `metadata.taints[${i}]`;
    const errors = key === '' ? [required(`${field}.key`)] : invalidAll(`${field}.key`, key, checkQualifiedName(key));
    errors.push(...validateChoice(`${field}.effect`, effect, EFFECTS));
    if (seen.has(`${key}:${effect}`)) {
      errors.push(invalid(field, taints[i], 'taints must be unique by key and effect pair'));
    }
    seen.add(`${key}:${effect}`);
    return errors;
  });
}

function validateChange({ spec }: t.Node, { spec: old }: t.Node): FieldError[] {
  const errors: FieldError[] = [];
  const once = (field: 'podCIDRs' | 'providerID', shown: string): void => {
    const before = old[field];
    if (before === undefined || before.length === 0 || deepEqual(before, spec[field])) return;
    errors.push(forbidden(`spec.${field}`, `node updates may not change ${shown} except from "" to valid`));
  };
  once('podCIDRs', 'podCIDR');
  once('providerID', 'providerID');
  return errors;
}

const NO_INFO: t.NodeSystemInfo = {
  architecture: '',
  bootID: '',
  containerRuntimeVersion: '',
  kernelVersion: '',
  kubeProxyVersion: '',
  kubeletVersion: '',
  machineID: '',
  operatingSystem: '',
  osImage: '',
  systemUUID: '',
};

function defaults(node: t.Node): t.Node {
  const { spec, status } = node;
  const cidrs = spec.podCIDRs ?? (spec.podCIDR === undefined ? undefined : [spec.podCIDR]);
  const allocatable = status?.allocatable ?? status?.capacity;
  return {
    ...node,
    spec: { ...spec, ...(cidrs === undefined ? {} : { podCIDRs: cidrs }) },
    status: {
      ...status,
      ...(allocatable === undefined ? {} : { allocatable }),
      daemonEndpoints: status?.daemonEndpoints ?? { kubeletEndpoint: { Port: 0 } },
      nodeInfo: { ...NO_INFO, ...status?.nodeInfo },
    },
  };
}

export const node: KindDefinition<t.Node> = defineKind(nodes, {
  shortNames: ['no'],
  subresources: {
    status: true,
    others: [{ name: 'proxy', kind: 'NodeProxyOptions', verbs: ['create', 'delete', 'get', 'patch', 'update'] }],
  },
  // Agents register their node together with what they know of it.
  initialStatus: 'keep',
  columns: [
    nameColumn,
    column('Status', 'string', 'Whether the node is ready, and whether it takes new Pods.'),
    column('Roles', 'string', 'Roles out of the labels.'),
    ageColumn,
    column('Version', 'string', 'Version of the node agent.'),
    wideColumn('Internal-IP', 'string', 'Address inside the cluster network.'),
    wideColumn('External-IP', 'string', 'Address outside of it.'),
    wideColumn('OS-Image', 'string', 'Operating system.'),
    wideColumn('Kernel-Version', 'string', 'Version of the kernel.'),
    wideColumn('Container-Runtime', 'string', 'What runs the containers.'),
  ],
  row,
  fields: { 'spec.unschedulable': ({ spec }) => String(spec?.unschedulable === true) },
  defaults,
  validate: ({ spec }) => validateTaints(spec.taints ?? []),
  validateChange,
});
