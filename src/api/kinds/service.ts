import { ageColumn, column, nameColumn, selectorColumn } from '../columns.ts';
import { defineKind } from '../define-kind.ts';
import type * as t from '../generated/types.ts';
import type { KindDefinition } from '../kind.ts';
import { validateFinalizerOwners, validateMetaUpdate } from '../meta-validation.ts';
import { label1035Name } from '../names.ts';
import { services } from '../resource.ts';
import { validateServiceChange } from '../service/cluster-ip-validation.ts';
import { serviceDefaults } from '../service/defaults.ts';
import { serviceRow } from '../service/print.ts';
import { validateServiceStatus } from '../service/status-validation.ts';
import { prepareServiceCreate, prepareServiceStatus, prepareServiceUpdate } from '../service/transition.ts';
import { validateService } from '../service/validation.ts';
import { serviceStatusWarnings, serviceWarnings } from '../service/warnings.ts';

const base: KindDefinition<t.Service> = defineKind(services, {
  shortNames: ['svc'],
  categories: ['all'],
  checkName: label1035Name,
  createOnUpdate: true,
  subresources: {
    status: true,
    others: [
      {
        name: 'proxy',
        kind: 'ServiceProxyOptions',
        verbs: ['create', 'delete', 'get', 'patch', 'update'],
      },
    ],
  },
  initialStatus: () => ({ loadBalancer: {} }),
  columns: [
    nameColumn,
    column('Type', 'string', 'How the Service is reached: ClusterIP, NodePort, LoadBalancer or ExternalName.'),
    column('Cluster-IP', 'string', 'Address inside the cluster; None for a headless Service.'),
    column('External-IP', 'string', 'Addresses or the name at which it is reached from outside.'),
    column('Port(s)', 'string', 'Ports with their node ports and protocols.'),
    ageColumn,
    selectorColumn,
  ],
  row: serviceRow,
  fields: {
    'spec.clusterIP': ({ spec }) => spec.clusterIP ?? '',
    'spec.type': ({ spec }) => spec.type ?? '',
  },
  defaults: serviceDefaults,
  prepareCreate: prepareServiceCreate,
  prepareUpdate: prepareServiceUpdate,
  validate: (object) => validateService(object),
  validateStatus: validateServiceStatus,
  warnings: serviceWarnings,
  statusWarnings: serviceStatusWarnings,
});

export const service: KindDefinition<t.Service> = Object.freeze<KindDefinition<t.Service>>({
  ...base,
  prepareStatusUpdate: (object, old) => prepareServiceStatus(base.prepareStatusUpdate(object, old)),
  // What must not change is told of first.
  validateUpdate: (object, old) => [
    ...validateMetaUpdate(object.metadata, old.metadata),
    ...validateFinalizerOwners(object.metadata),
    ...validateServiceChange(object, old),
    ...validateService(object, old),
  ],
});
