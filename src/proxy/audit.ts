import { encodeKey } from '#nftables/key.ts';
import { layoutOf } from '#nftables/table.ts';
import { type Draft } from './draft.ts';
import { isNodePort, parseFrontendId, type FrontendId } from './frontend.ts';
import { lookUpSlots, type SlotReader } from './look-up-slots.ts';
import { type Plan, type ProgrammedFrontend } from './plan.ts';
import { planeOf } from './ruleset.ts';
import { backendKey } from './slots.ts';

/** Of these frontends, the first whose slots in the kernel are not those of the plan; undefined for none. */
export function findDamage(plan: Plan, ids: readonly FrontendId[], reader: SlotReader): FrontendId | undefined {
  const drafts = new Map<FrontendId, Draft>();
  for (const id of ids) {
    const frontend = plan.frontend(id);
    // Since it was chosen it may have gone.
    if (frontend?.priority !== undefined) drafts.set(id, emptyDraft(plan, id, frontend));
  }
  lookUpSlots(plan.rules, drafts, new Map(plan.picks.map((pick) => [pick.priority, pick])), reader, undefined);
  return [...drafts].find(([id, draft]) => !isSame(draft, plan.frontend(id)))?.[0];
}

function emptyDraft({ rules }: Plan, id: FrontendId, { kind, priority }: ProgrammedFrontend): Draft {
  const { address, protocol, port, list } = parseFrontendId(id);
  const plane = planeOf(rules, isNodePort(address));
  const texts = plane.name === 'port' ? [protocol, String(port)] : [address, protocol, String(port)];
  return {
    plane,
    list,
    key: encodeKey(layoutOf(plane.frontend), texts),
    counts: new Map(priority === undefined ? [] : [[kind, priority]]),
    slots: [],
    asWanted: undefined,
    slotIds: [],
    byId: new Map(),
    isRefused: false,
    guard: undefined,
    note: undefined,
  };
}

function isSame(draft: Draft, frontend: ProgrammedFrontend | undefined): boolean {
  const { slots = [], ids } = frontend ?? {};
  return slots.every((backend, slot) => {
    const key = backendKey(backend);
    const id = ids?.get(key);
    const found = ids === undefined ? draft.slots[slot] : draft.byId.get(draft.slotIds[slot] ?? 0);
    return found !== undefined && backendKey(found) === key && (ids === undefined || draft.slotIds[slot] === id);
  });
}
