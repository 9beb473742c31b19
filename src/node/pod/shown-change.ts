import type { Pod } from '#api/generated/types.ts';

/** Volumes may show what has changed; all else that they show stays as it was. */
export function showsChange({ metadata: before }: Pod, { metadata, spec }: Pod): boolean {
  const shown = spec.volumes?.some(
    ({ downwardAPI, projected }) => downwardAPI !== undefined || projected !== undefined,
  );
  if (shown !== true) return false;
  const text = ({ labels, annotations }: Pod['metadata']): string => JSON.stringify([labels, annotations]);
  return text(before) !== text(metadata);
}
