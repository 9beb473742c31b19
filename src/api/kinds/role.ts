import { defineKind } from '../define-kind.ts';
import type * as t from '../generated/types.ts';
import type { KindDefinition } from '../kind.ts';
import { pathSegmentName } from '../names.ts';
import { validateRules } from '../rbac.ts';
import { roles } from '../resource.ts';

export const role: KindDefinition<t.Role> = defineKind(roles, {
  checkName: pathSegmentName,
  createOnUpdate: true,
  validate: ({ rules }) => validateRules(rules, true),
});
