import type { ManagedFieldsEntry, Status } from '../object.ts';
import { failure } from '../status.ts';
import { type FieldSet, pathsOf } from './field-set.ts';
import { managerText } from './manager.ts';
import { pathText } from './path-element.ts';

/** A field that an apply would change and that somebody else owns. */
export interface Conflict {
  /** The other manager, as messages name it. */
  readonly manager: string;
  readonly path: readonly string[];
}

export function conflictsIn(entry: ManagedFieldsEntry, taken: FieldSet): readonly Conflict[] {
  const manager = managerText(entry);
  return [...pathsOf(taken)].map((path) => ({ manager, path }));
}

/** The 409 that tells field by field who is in the way. */
export function applyConflict(conflicts: readonly Conflict[]): Status {
  const causes = conflicts.map(({ manager, path }) => ({
    reason: 'FieldManagerConflict',
    message: `conflict with ${manager}`,
    field: pathText(path),
  }));
  return failure(409, conflictText(conflicts), { reason: 'Conflict', details: { causes } });
}

function conflictText(conflicts: readonly Conflict[]): string {
  const [only] = conflicts;
  if (conflicts.length === 1 && only !== undefined) {
    return `Apply failed with 1 conflict: conflict with ${only.manager}: ${pathText(only.path)}`;
  }
  const byManager = Map.groupBy(conflicts, ({ manager }) => manager);
  const lines = [...byManager.keys()]
    .sort()
    .flatMap((manager) => [
      `conflicts with ${manager}:`,
      ...(byManager.get(manager) ?? []).map(({ path }) => `- ${pathText(path)}`),
    ]);
  return `Apply failed with ${conflicts.length} conflicts: ${lines.join('\n')}`;
}
