import { posix } from 'node:path';

/** What a container's use of the machine is counted or limited by. Version 2 counts time along with `cpu`. */
export type Controller = 'cpu' | 'cpuacct' | 'memory' | 'pids';

export const CONTROLLERS: readonly Controller[] = ['cpu', 'cpuacct', 'memory', 'pids'];

/** Where the calling process is in the machine's control groups. */
export type CgroupLayout =
  /** One tree for each controller, or for several of them that are mounted together. */
  | { readonly kind: 'v1'; readonly own: ReadonlyMap<Controller, string> }
  /** One tree for all. */
  | { readonly kind: 'v2'; readonly top: string; readonly own: string };

interface Mount {
  /** What of the tree is mounted; a cgroup namespace shows paths beyond its root with `..`. */
  readonly root: string;
  readonly point: string;
  readonly type: string;
  readonly options: ReadonlySet<string>;
}

/** Reads /proc/self/mountinfo and /proc/self/cgroup. Undefined where no control groups are mounted. */
export function cgroupLayout(mountinfo: string, membership: string): CgroupLayout | undefined {
  const mounts = mountinfo.split('\n').flatMap(parseMount);
  const paths = membership.split('\n').flatMap(parseMembership);
  const own = new Map<Controller, string>();
  for (const controller of CONTROLLERS) {
    const mount = mounts.find(({ type, options }) => type === 'cgroup' && options.has(controller));
    const path = paths.find(({ controllers }) => controllers.includes(controller))?.path;
    if (mount !== undefined && path !== undefined) own.set(controller, directoryOf(mount, path));
  }
  // Where both are mounted a controller belongs to one of them only, and the old one is where they are in practice.
  if (own.size > 0) return { kind: 'v1', own };
  const unified = mounts.find(({ type }) => type === 'cgroup2');
  const path = paths.find(({ hierarchy }) => hierarchy === '0')?.path;
  if (unified === undefined || path === undefined) return undefined;
  return { kind: 'v2', top: unified.point, own: directoryOf(unified, path) };
}

function directoryOf({ root, point }: Mount, path: string): string {
  const relative = posix.relative(root, path);
  return relative.startsWith('..') ? point : posix.join(point, relative);
}

/** proc(5): `36 35 98:0 <root> <point> <options> <optional fields> - <type> <source> <super options>`. */
function parseMount(line: string): readonly Mount[] {
  const [before = '', after = ''] = line.split(' - ');
  const [, , , root = '', point = ''] = before.split(' ');
  const [type = '', , options = ''] = after.split(' ');
  return type === 'cgroup' || type === 'cgroup2'
    ? [{ root, point: unescape(point), type, options: new Set(options.split(',')) }]
    : [];
}

/** Blanks and backslashes are three octal digits. */
function unescape(text: string): string {
  return text.replaceAll(/\\([0-7]{3})/g, (_, digits: string) => String.fromCharCode(Number.parseInt(digits, 8)));
}

/** cgroups(7): `<hierarchy>:<controllers>:<path>`, of which a path may hold colons. */
function parseMembership(
  line: string,
): readonly { readonly hierarchy: string; readonly controllers: readonly string[]; readonly path: string }[] {
  const [, hierarchy, controllers, path] = /^(\d+):([^:]*):(.*)$/.exec(line) ?? [];
  if (hierarchy === undefined || controllers === undefined || path === undefined) return [];
  return [{ hierarchy, controllers: controllers.split(','), path }];
}
