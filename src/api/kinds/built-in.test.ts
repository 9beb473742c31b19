import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { checkFields } from '../field-check.ts';
import { fieldErrorsText } from '../field-error.ts';
import type { KindDefinition } from '../kind.ts';
import type { KubeObject } from '../object.ts';
import { apiVersionOf } from '../resource.ts';
import { modelSchema } from '../schema.ts';
import { builtInKinds } from './built-in.ts';

const NOW = Date.UTC(2026, 0, 2);

/** What `kubectl api-resources` and `kubectl get -o wide` show of each kind. */
function listing(): string {
  return builtInKinds
    .map((kind) => {
      const { resource, columns, shortNames, subresources } = kind;
      const always = columns.filter((column) => column.priority === 0).map((column) => column.name);
      const wide = columns.filter((column) => column.priority === 1).map((column) => column.name);
      const parts = Object.keys(subresources).filter((key) => key !== 'others');
      const others = (subresources.others ?? []).map((other) => other.name);
      const head = [
        `${resource.plural}${resource.namespaced ? '' : '*'}`,
        shortNames.join(',') || '-',
        apiVersionOf(resource),
        [...parts, ...others].join(',') || '-',
      ];
      return `${head.join(' ')}\n  ${always.join(' | ')}${wide.length > 0 ? ` || ${wide.join(' | ')}` : ''}`;
    })
    .join('\n');
}

test('builtInKinds have the names, subresources and columns that clients know', () => {
  assert.equal(
    `\n${listing()}\n`,
    `
namespaces* ns v1 status,finalize
  Name | Status | Age
nodes* no v1 status,proxy
  Name | Status | Roles | Age | Version || Internal-IP | External-IP | OS-Image | Kernel-Version | Container-Runtime
pods po v1 status,attach,binding,ephemeralcontainers,eviction,exec,log,portforward,proxy,resize
  Name | Ready | Status | Restarts | Age || IP | Node | Nominated Node | Readiness Gates
services svc v1 status,proxy
  Name | Type | Cluster-IP | External-IP | Port(s) | Age || Selector
endpoints ep v1 -
  Name | Endpoints | Age
configmaps cm v1 -
  Name | Data | Age
secrets - v1 -
  Name | Type | Data | Age
serviceaccounts sa v1 token
  Name | Secrets | Age
events ev v1 -
  Last Seen | Type | Reason | Object | Message || Subobject | Source | First Seen | Count | Name
replicationcontrollers rc v1 status,scale
  Name | Desired | Current | Ready | Age || Containers | Images | Selector
podtemplates - v1 -
  Name | Containers | Images | Pod Labels
persistentvolumes* pv v1 status
  Name | Capacity | Access Modes | Reclaim Policy | Status | Claim | StorageClass | VolumeAttributesClass | Reason | Age || VolumeMode
persistentvolumeclaims pvc v1 status
  Name | Status | Volume | Capacity | Access Modes | StorageClass | VolumeAttributesClass | Age || VolumeMode
limitranges limits v1 -
  Name | Created At
resourcequotas quota v1 status
  Name | Request | Limit | Age
componentstatuses* cs v1 -
  Name | Status | Message | Error
deployments deploy apps/v1 status,scale
  Name | Ready | Up-to-date | Available | Age || Containers | Images | Selector
replicasets rs apps/v1 status,scale
  Name | Desired | Current | Ready | Age || Containers | Images | Selector
statefulsets sts apps/v1 status,scale
  Name | Ready | Age || Containers | Images
daemonsets ds apps/v1 status
  Name | Desired | Current | Ready | Up-to-date | Available | Node Selector | Age || Containers | Images | Selector
controllerrevisions - apps/v1 -
  Name | Controller | Revision | Age
jobs - batch/v1 status
  Name | Status | Completions | Duration | Age || Containers | Images | Selector
cronjobs cj batch/v1 status
  Name | Schedule | Timezone | Suspend | Active | Last Schedule | Age || Containers | Images | Selector
horizontalpodautoscalers hpa autoscaling/v2 status
  Name | Reference | Targets | MinPods | MaxPods | Replicas | Age
horizontalpodautoscalers hpa autoscaling/v1 status
  Name | Reference | Targets | MinPods | MaxPods | Replicas | Age
events ev events.k8s.io/v1 -
  Last Seen | Type | Reason | Object | Message || Subobject | Source | First Seen | Count | Name
leases - coordination.k8s.io/v1 -
  Name | Holder | Age
endpointslices - discovery.k8s.io/v1 -
  Name | AddressType | Ports | Endpoints | Age
ingresses ing networking.k8s.io/v1 status
  Name | Class | Hosts | Address | Ports | Age
ingressclasses* - networking.k8s.io/v1 -
  Name | Controller | Parameters | Age
networkpolicies netpol networking.k8s.io/v1 -
  Name | Pod-Selector | Age
servicecidrs* - networking.k8s.io/v1 status
  Name | CIDRs | Age
ipaddresses* ip networking.k8s.io/v1 -
  Name | ParentRef
poddisruptionbudgets pdb policy/v1 status
  Name | Min Available | Max Unavailable | Allowed Disruptions | Age
roles - rbac.authorization.k8s.io/v1 -
  Name | Created At
rolebindings - rbac.authorization.k8s.io/v1 -
  Name | Role | Age || Users | Groups | ServiceAccounts
clusterroles* - rbac.authorization.k8s.io/v1 -
  Name | Created At
clusterrolebindings* - rbac.authorization.k8s.io/v1 -
  Name | Role | Age || Users | Groups | ServiceAccounts
priorityclasses* pc scheduling.k8s.io/v1 -
  Name | Value | Global-Default | Age | PreemptionPolicy
customresourcedefinitions* crd,crds apiextensions.k8s.io/v1 status
  Name | Created At
validatingwebhookconfigurations* - admissionregistration.k8s.io/v1 -
  Name | Webhooks | Age
mutatingwebhookconfigurations* - admissionregistration.k8s.io/v1 -
  Name | Webhooks | Age
validatingadmissionpolicies* - admissionregistration.k8s.io/v1 status
  Name | Validations | ParamKind | Age
validatingadmissionpolicybindings* - admissionregistration.k8s.io/v1 -
  Name | PolicyName | ParamRef | Age
storageclasses* sc storage.k8s.io/v1 -
  Name | Provisioner | ReclaimPolicy | VolumeBindingMode | AllowVolumeExpansion | Age
csidrivers* - storage.k8s.io/v1 -
  Name | AttachRequired | PodInfoOnMount | StorageCapacity | TokenRequests | RequiresRepublish | Modes | Age
csinodes* - storage.k8s.io/v1 -
  Name | Drivers | Age
csistoragecapacities - storage.k8s.io/v1 -
  Name | StorageClassName | Capacity
volumeattachments* - storage.k8s.io/v1 status
  Name | Attacher | PV | Node | Attached | Age
volumeattributesclasses* vac storage.k8s.io/v1 -
  Name | DriverName | Age
runtimeclasses* - node.k8s.io/v1 -
  Name | Handler | Age
flowschemas* - flowcontrol.apiserver.k8s.io/v1 status
  Name | PriorityLevel | MatchingPrecedence | DistinguisherMethod | Age | MissingPL
prioritylevelconfigurations* - flowcontrol.apiserver.k8s.io/v1 status
  Name | Type | NominalConcurrencyShares | Queues | HandSize | QueueLengthLimit | Age
certificatesigningrequests* csr certificates.k8s.io/v1 status,approval
  Name | Age | SignerName | Requestor | RequestedDuration | Condition
apiservices* - apiregistration.k8s.io/v1 -
  Name | Service | Available | Age
`,
  );
});

const SAMPLES: Readonly<Record<string, fc.Arbitrary<unknown>>> = {
  string: fc.constantFrom('web', '', 'Web_', '10.0.0.1', 'ClusterIP', 'TCP', '1%', 'In', 'None', 'latest'),
  boolean: fc.boolean(),
  int32: fc.constantFrom(0, 1, 80, -1, 70000),
  int64: fc.constantFrom(0, 1, -1),
  double: fc.constantFrom(0, 1.5),
  bytes: fc.constantFrom('', 'YQ=='),
  time: fc.constantFrom('2026-01-01T00:00:00Z', null),
  microTime: fc.constantFrom('2026-01-01T00:00:00.000000Z', null),
  intOrString: fc.constantFrom(0, 80, 'http', '25%'),
  quantity: fc.constantFrom('1', '100m', 0),
  any: fc.constantFrom({}, 1),
};

/** Values of a type of FIELDS with any member left out, as a decoder may hand them on. */
function arbitrary(type: string, depth: number): fc.Arbitrary<unknown> {
  const sample = SAMPLES[type];
  if (sample !== undefined) return sample;
  if (type.startsWith('[]')) {
    return depth > 8 ? fc.constant([]) : fc.array(arbitrary(type.slice(2), depth + 1), { maxLength: 2 });
  }
  if (type.startsWith('{}')) {
    return fc.dictionary(fc.constantFrom('app', 'a/b', 'cpu', 'x_'), arbitrary(type.slice(2), depth + 1), {
      maxKeys: 2,
    });
  }
  const fields = [...(modelSchema(type)?.fields.values() ?? [])];
  if (depth > 8) return fc.constant({});
  return fc
    .subarray(fields, { maxLength: Math.min(fields.length, 10) })
    .chain((chosen) =>
      fc.record(Object.fromEntries(chosen.map((field) => [field.name, arbitrary(field.type, depth + 1)]))),
    );
}

function stamped(kind: KindDefinition, value: unknown): KubeObject {
  const object = value as KubeObject;
  const metadata = { ...object.metadata, name: 'web', uid: 'u', creationTimestamp: '2026-01-01T00:00:00Z' };
  return { ...object, apiVersion: apiVersionOf(kind.resource), kind: kind.resource.kind, metadata };
}

for (const kind of builtInKinds) {
  test(`${kind.resource.kind} takes whatever decodes: nothing throws, defaults are idempotent`, () => {
    fc.assert(
      fc.property(arbitrary(kind.model, 0), arbitrary(kind.model, 0), (first, second) => {
        const [a, b] = [first, second].map((value) => {
          const checked = checkFields(kind.model, value, 'Strict');
          assert.equal(checked.kind, 'ok', checked.kind === 'wrong' ? checked.message : '');
          return checked.kind === 'ok' ? checked.value : {};
        });
        const old = kind.prepareCreate(kind.defaults(stamped(kind, a)));
        const next = kind.prepareUpdate(kind.defaults(stamped(kind, b)), old);
        assert.equal(JSON.stringify(kind.defaults(old)), JSON.stringify(old));
        assert.ok(fieldErrorsText(kind.validateCreate(old)).length >= 0);
        assert.ok(fieldErrorsText(kind.validateUpdate(next, old)).length >= 0);
        assert.ok(fieldErrorsText(kind.validateStatusUpdate(kind.prepareStatusUpdate(next, old), old)).length >= 0);
        assert.equal(kind.row(next, NOW).length, kind.columns.length);
        assert.ok(Object.values(kind.selectableFields(next)).every((value) => typeof value === 'string'));
      }),
      {
        numRuns: Number(process.env['FUZZ_RUNS'] ?? 100),
        interruptAfterTimeLimit: 2000,
        markInterruptAsFailure: false,
      },
    );
  });
}
