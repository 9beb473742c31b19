import { type Cidr } from '#base/cidr.ts';
import { encodeKey } from '#nftables/key.ts';
import { dataLayoutOf, layoutOf, type Element, type SetDeclaration, type Table } from '#nftables/table.ts';
import { parseFrontendId, type FrontendId } from './frontend.ts';
import { type Plan } from './plan.ts';
import { priorityOf, rulesetTable } from './ruleset.ts';

/** All that a plan has in the kernel, for people to read. */
export function describePlan(plan: Plan, ranges: readonly Cidr[]): Table {
  const table = rulesetTable(plan.rules, ranges, plan.picks);
  const { services, endpoints, addresses, hairpin } = plan.rules.sets;
  const filled = new Map<string, Element[]>([
    [services.name, []],
    [endpoints.name, []],
    [addresses.name, [...plan.addresses].map((address) => element(addresses, [address]))],
    [hairpin.name, [...plan.hairpin].map((address) => element(hairpin, [address, address]))],
  ]);
  for (const id of plan.ids()) {
    const key = frontendKey(id);
    const slots = plan.slotsOf(id);
    if (slots.length === 0) continue;
    filled.get(services.name)?.push({ ...element(services, key), data: priorityOf(slots.length) });
    slots.forEach(({ address, port }, slot) => {
      const data = encodeKey(dataLayoutOf(endpoints), [address, String(port)]);
      filled.get(endpoints.name)?.push({ ...element(endpoints, [...key, String(slot)]), data });
    });
  }
  const sets = table.sets.map((content) => {
    const elements = filled.get(content.declaration.name) ?? content.elements;
    return { declaration: content.declaration, ...(elements === undefined ? {} : { elements }) };
  });
  return { ...table, sets };
}

function element(declaration: SetDeclaration, texts: readonly string[]): Element {
  return { key: encodeKey(layoutOf(declaration.key), texts) };
}

function frontendKey(id: FrontendId): string[] {
  const { address, protocol, port } = parseFrontendId(id);
  return [address, protocol, String(port)];
}
