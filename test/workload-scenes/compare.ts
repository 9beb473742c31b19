import type { SceneOutcome } from './scene.ts';

/** Lines that only one side has, `-` theirs and `+` ours, under the act after which they are seen; none when both are alike. */
export function compareOutcomes(theirs: SceneOutcome, ours: SceneOutcome): readonly string[] {
  const parts = [...new Set([...Object.keys(theirs.acts), ...Object.keys(ours.acts)])];
  const acts = parts.flatMap((act) => under(act, difference(theirs.acts[act] ?? [], ours.acts[act] ?? [])));
  return [...acts, ...under('events', difference(theirs.events, ours.events))];
}

function under(title: string, lines: readonly string[]): readonly string[] {
  return lines.length === 0 ? [] : [`  ${title}`, ...lines];
}

function difference(theirs: readonly string[], ours: readonly string[]): readonly string[] {
  const only = (sign: string, here: readonly string[], there: readonly string[]): readonly string[] => {
    const left = [...there];
    return here.flatMap((line) => {
      const at = left.indexOf(line);
      if (at >= 0) left.splice(at, 1);
      return at >= 0 ? [] : [`    ${sign} ${line}`];
    });
  };
  return [...only('-', theirs, ours), ...only('+', ours, theirs)];
}
