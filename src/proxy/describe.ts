import { encodeKey } from '#nftables/key.ts';
import { dataLayoutOf, type Element, type SetDeclaration, type Table } from '#nftables/table.ts';
import { isNodePort, parseFrontendId, type Backend, type FrontendId } from './frontend.ts';
import { guardElement, type Guard } from './guard.ts';
import { LOCAL_SLOTS, writeWord } from './pick.ts';
import type { Plan, ProgrammedFrontend } from './plan.ts';
import { element, planeOf, type Ruleset } from './ruleset.ts';
import type { RulesetSettings } from './settings.ts';
import { rulesetTable } from './ruleset-table.ts';
import { backendKey } from './slots.ts';

/** All that a plan has in the kernel, for people to read; what the kernel remembers of clients is left out. */
export function describePlan(plan: Plan, settings: RulesetSettings, guards: readonly Guard[] = []): Table {
  const { rules } = plan;
  const table = rulesetTable(rules, settings, plan.picks, guards);
  const filled = new Map<string, Element[]>();
  const add = (set: SetDeclaration, item: Element): void => {
    const list = filled.get(set.name);
    if (list === undefined) filled.set(set.name, [item]);
    else list.push(item);
  };
  for (const [set, addresses] of plan.addresses) {
    for (const address of addresses) {
      add(set, set === rules.sets.hairpin ? element(set, address, address) : element(set, address));
    }
  }
  for (const [id, frontend] of plan.frontends()) describeFrontend(rules, id, frontend, add);
  const sets = table.sets.map((content) => {
    const elements = filled.get(content.declaration.name) ?? content.elements;
    return { declaration: content.declaration, ...(elements === undefined ? {} : { elements }) };
  });
  return { ...table, sets };
}

function describeFrontend(
  rules: Ruleset,
  id: FrontendId,
  frontend: ProgrammedFrontend,
  add: (set: SetDeclaration, item: Element) => void,
): void {
  const { address, protocol, port, list } = parseFrontendId(id);
  const { sets } = planeOf(rules, isNodePort(address));
  const key = [...(isNodePort(address) ? [] : [address]), protocol, String(port)];
  const { priority, ids, guard } = frontend;
  const backendData = (set: SetDeclaration, backend: Backend): Uint8Array =>
    encodeKey(dataLayoutOf(set), [backend.address, String(backend.port)]);
  if (priority !== undefined) {
    const set = sets.counts[frontend.kind];
    const comment = frontend.note === undefined ? {} : { comment: frontend.note };
    add(set, { ...element(set, ...key), data: wordBytes(priority), ...comment });
  }
  if (frontend.isRefused) add(sets.refused, element(sets.refused, ...key));
  if (guard !== undefined) add(rules.sets.firewall, guardElement(element(rules.sets.firewall, ...key).key, guard));
  frontend.slots.forEach((backend, index) => {
    const slot = String(list === 'local' ? LOCAL_SLOTS + index : index);
    if (ids === undefined) {
      const data = backendData(sets.endpoints, backend);
      return add(sets.endpoints, { ...element(sets.endpoints, ...key, slot), data });
    }
    const byId = list === 'local' ? sets.localById : sets.byId;
    const number = ids.get(backendKey(backend)) ?? 0;
    const byIdKey = element(sets.slots, ...key, '0').key;
    writeWord(byIdKey, byIdKey.length - 4, number);
    add(sets.slots, { ...element(sets.slots, ...key, slot), data: wordBytes(number) });
    add(byId, { key: byIdKey, data: backendData(byId, backend) });
  });
}

function wordBytes(word: number): Uint8Array {
  const bytes = new Uint8Array(4);
  writeWord(bytes, 0, word);
  return bytes;
}
