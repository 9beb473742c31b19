import { holds, type Place } from './matcher.ts';
import type { Instruction } from './program.ts';

/** Where groups begin and end, as `save` numbers them; -1 for those that are no part of the match. */
type Slots = readonly number[];

interface Thread {
  readonly place: number;
  readonly slots: Slots;
}

/**
 * Where the groups are of the match that begins at `start`. As `Matcher`, but each way remembers where it came by, for which
 * there is no other place than arrays of its own: so it is for matches that are known to be there.
 */
export function groupSlots(program: readonly Instruction[], groups: number, text: string, start: number): Slots {
  const none: Slots = Array.from({ length: 2 * groups }, () => -1);
  let found = none;
  let now = followed(program, [{ place: 0, slots: none }], { text, at: start });
  for (let at = start; now.length > 0;) {
    const code = text.codePointAt(at);
    const after = at + (code !== undefined && code > 0xffff ? 2 : 1);
    const next: Thread[] = [];
    for (const { place, slots } of now) {
      const instruction = program[place];
      if (instruction?.op === 'match') {
        found = slots;
        break;
      }
      const isOn = instruction?.op === 'set' && code !== undefined && instruction.set.has(code);
      if (isOn) next.push({ place: place + 1, slots });
    }
    now = followed(program, next, { text, at: after });
    at = after;
  }
  return found;
}

/** Where those come to without a character, the preferred first. */
function followed(program: readonly Instruction[], threads: readonly Thread[], here: Place): readonly Thread[] {
  const seen = new Set<number>();
  const found: Thread[] = [];
  const stack = threads.toReversed();
  for (let thread = stack.pop(); thread !== undefined; thread = stack.pop()) {
    const { place, slots } = thread;
    const instruction = program[place];
    if (instruction === undefined || seen.has(place)) continue;
    seen.add(place);
    switch (instruction.op) {
      case 'jump':
        stack.push({ place: instruction.to, slots });
        break;
      case 'split':
        stack.push({ place: instruction.second, slots }, { place: instruction.first, slots });
        break;
      case 'save':
        stack.push({ place: place + 1, slots: slots.with(instruction.slot, here.at) });
        break;
      case 'assertion':
        if (holds(instruction.assertion, here)) stack.push({ place: place + 1, slots });
        break;
      default:
        found.push(thread);
    }
  }
  return found;
}
