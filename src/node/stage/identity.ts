import { CodedError } from '#base/errors.ts';
import type { Identity } from './id-map.ts';

/** Who a container should run as, before its image has been looked into. */
export interface IdentityWish {
  /** `name`, `number`, either with `:group`; of the image. Empty for root. */
  readonly imageUser: string;
  readonly user: number | undefined;
  readonly group: number | undefined;
  readonly groups: readonly number[];
  /** Groups that the image's /etc/group puts the user in count as well. */
  readonly mergeGroups: boolean;
  /** Who it is for, where that may not be root. */
  readonly nonRoot: { readonly pod: string; readonly container: string } | undefined;
}

/** Code CreateContainerConfigError or CreateContainerError, as a kubelet has it. */
export class IdentityError extends CodedError {
  declare readonly code: 'CreateContainerConfigError' | 'CreateContainerError';

  constructor(code: IdentityError['code'], message: string) {
    super(code, message);
    this.name = 'IdentityError';
  }
}

export interface UserFiles {
  /** Texts of /etc/passwd and /etc/group, empty where there are none. */
  readonly passwd: string;
  readonly group: string;
}

export interface ResolvedIdentity extends Identity {
  readonly home: string;
}

export function resolveIdentity(wish: IdentityWish, files: UserFiles): ResolvedIdentity {
  const [userName = '', groupName = ''] = wish.imageUser.split(':');
  refuseRoot(wish, userName);
  const { user, entry } = userOf(wish.user, userName, rows(files.passwd));
  const groups = rows(files.group);
  const ofImage = wish.user === undefined ? imageGroup(groupName, groups) : undefined;
  const merged = wish.mergeGroups && entry !== undefined ? memberOf(entry[0] ?? '', groups) : [];
  return {
    user,
    group: wish.group ?? ofImage ?? numberOf(entry?.[3]) ?? 0,
    groups: [...new Set([...wish.groups, ...merged])],
    home: entry?.[5] || '/',
  };
}

type Row = readonly string[];

function userOf(
  wished: number | undefined,
  name: string,
  users: readonly Row[],
): { readonly user: number; readonly entry: Row | undefined } {
  const byName = wished === undefined && name !== '' ? users.find((row) => row[0] === name) : undefined;
  const user = wished ?? numberOf(byName?.[2]) ?? numberOf(name === '' ? '0' : name);
  if (user === undefined) {
    const why = `unable to find user ${name}: no matching entries in passwd file`;
    throw new IdentityError('CreateContainerError', why);
  }
  return { user, entry: byName ?? users.find((row) => row[2] === String(user)) };
}

function refuseRoot({ nonRoot, user }: IdentityWish, imageUser: string): void {
  if (nonRoot === undefined) return;
  const who = `(pod: ${JSON.stringify(nonRoot.pod)}, container: ${nonRoot.container})`;
  const refuse = (why: string): IdentityError => new IdentityError('CreateContainerConfigError', `${why} ${who}`);
  if (user === 0) throw refuse("container's runAsUser breaks non-root policy");
  if (user !== undefined) return;
  if (imageUser === '' || numberOf(imageUser) === 0) {
    throw refuse('container has runAsNonRoot and image will run as root');
  }
  if (numberOf(imageUser) === undefined) {
    throw refuse(
      `container has runAsNonRoot and image has non-numeric user (${imageUser}), cannot verify user is non-root`,
    );
  }
}

function imageGroup(text: string, groups: readonly Row[]): number | undefined {
  if (text === '') return undefined;
  const id = numberOf(text) ?? numberOf(groups.find(([name]) => name === text)?.[2]);
  if (id !== undefined) return id;
  throw new IdentityError('CreateContainerError', `unable to find group ${text}: no matching entries in group file`);
}

function memberOf(user: string, groups: readonly Row[]): readonly number[] {
  return groups.flatMap(([, , id, members = '']) => {
    const group = numberOf(id);
    return group !== undefined && members.split(',').includes(user) ? [group] : [];
  });
}

function rows(text: string): readonly Row[] {
  return text.split('\n').flatMap((line) => (line === '' ? [] : [line.split(':')]));
}

function numberOf(text: string | undefined): number | undefined {
  return text !== undefined && /^\d+$/.test(text) ? Number(text) : undefined;
}
