/** What users or groups there are in a user namespace: /proc/self/uid_map, or gid_map. */
export type IdMap = readonly { readonly first: number; readonly count: number }[];

export function parseIdMap(text: string): IdMap {
  return text.split('\n').flatMap((line) => {
    const [first, , count] = line.trim().split(/\s+/).map(Number);
    return first === undefined || count === undefined ? [] : [{ first, count }];
  });
}

export function isMapped(map: IdMap, id: number): boolean {
  return map.some(({ first, count }) => id >= first && id < first + count);
}

export interface Identity {
  readonly user: number;
  readonly group: number;
  readonly groups: readonly number[];
}

export interface IdMaps {
  readonly users: IdMap;
  readonly groups: IdMap;
  /** Without privilege a user may not leave his groups, which might be meant to forbid him something. */
  readonly setgroups: boolean;
}

/**
 * How a process becomes `identity`. Where the machine gives us only one user, a process that should be another one gets
 * a user namespace in which that one user has the other's number: all of the image belongs to him, and he is not root.
 */
export type Becoming =
  | {
      readonly kind: 'set';
      readonly user: number;
      readonly group: number;
      readonly groups: readonly number[] | undefined;
    }
  | { readonly kind: 'renumber'; readonly user: number; readonly group: number };

export function becomingOf({ user, group, groups }: Identity, maps: IdMaps): Becoming {
  if (!isMapped(maps.users, user)) return { kind: 'renumber', user, group };
  return {
    kind: 'set',
    user,
    group: isMapped(maps.groups, group) ? group : 0,
    groups: maps.setgroups ? groups.filter((one) => isMapped(maps.groups, one)) : undefined,
  };
}
