import { emptyDraft, type Draft } from './draft.ts';
import { isNodePort, parseFrontendId, type FrontendId } from './frontend.ts';
import { lookUpSlots, type SlotReader } from './look-up-slots.ts';
import type { Plan, ProgrammedFrontend } from './plan.ts';
import { planeOf } from './ruleset.ts';
import { backendKey } from './slots.ts';

/** Of these frontends, the first whose slots in the kernel are not those of the plan; undefined for none. */
export function findDamage(plan: Plan, ids: readonly FrontendId[], reader: SlotReader): FrontendId | undefined {
  const drafts = new Map<FrontendId, Draft>();
  for (const id of ids) {
    const frontend = plan.frontend(id);
    // Since it was chosen it may have gone.
    if (frontend?.priority !== undefined) drafts.set(id, draftOf(plan, id, frontend));
  }
  lookUpSlots(plan.rules, drafts, new Map(plan.picks.map((pick) => [pick.priority, pick])), reader, []);
  return [...drafts].find(([id, draft]) => !isSame(draft, plan.frontend(id)))?.[0];
}

function draftOf({ rules }: Plan, id: FrontendId, { kind, priority }: ProgrammedFrontend): Draft {
  const { address, list } = parseFrontendId(id);
  const draft = emptyDraft(planeOf(rules, isNodePort(address)), list);
  if (priority !== undefined) draft.count = { kind, priority };
  return draft;
}

function isSame({ slots: read }: Draft, frontend: ProgrammedFrontend | undefined): boolean {
  const { slots = [], ids } = frontend ?? {};
  return slots.every((backend, slot) => {
    const key = backendKey(backend);
    const id = ids?.get(key);
    const found = ids === undefined ? read?.backends[slot] : read?.byId.get(read.ids[slot] ?? 0);
    return found !== undefined && backendKey(found) === key && (ids === undefined || read?.ids[slot] === id);
  });
}
