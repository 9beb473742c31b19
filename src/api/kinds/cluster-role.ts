import { defineKind } from '../define-kind.ts';
import type * as t from '../generated/types.ts';
import type { KindDefinition } from '../kind.ts';
import { pathSegmentName } from '../names.ts';
import { validateRules } from '../rbac.ts';
import { clusterRoles } from '../resource.ts';

export const clusterRole: KindDefinition<t.ClusterRole> = defineKind(clusterRoles, {
  checkName: pathSegmentName,
  createOnUpdate: true,
  validate: ({ rules }) => validateRules(rules, false),
});
