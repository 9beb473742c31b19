import type { MountStep } from './mount-step.ts';

/** An entry of the machine's own `/`. */
export type RootEntry =
  | { readonly kind: 'directory'; readonly name: string; readonly empty?: boolean }
  | { readonly kind: 'symlink'; readonly name: string; readonly to: string };

export interface HostImageSpec {
  readonly entries: readonly RootEntry[];
  /** Where this container's upper layers go; on the disk. */
  readonly layerDir: string;
  /** What belongs to the cluster and not to its Pods: an empty directory lies over each. Real paths. */
  readonly masked: readonly string[];
  /** In a user namespace of an ordinary user. */
  readonly rootless: boolean;
  /** Mount points that must exist in the image, as real paths. */
  readonly directories: readonly string[];
}

/** What is not the machine's files but its state. */
const OWN = new Set(['dev', 'proc', 'run', 'sys', 'tmp', 'lost+found']);
/** Without privilege these belong to somebody else, yet ordinary programs write there. */
const WRITABLE = ['var/cache', 'var/lib', 'var/log', 'var/spool', 'var/tmp', 'usr/local', 'etc'];

/**
 * The image `host`: the machine's file system, private to the container. An overlay over `/` itself is refused without
 * privilege, hence one for each directory in it.
 */
export function planHostImage(spec: HostImageSpec): readonly MountStep[] {
  const steps: MountStep[] = [{ kind: 'mount', type: 'tmpfs', target: '/', data: 'mode=755' }];
  const memory = `${spec.layerDir}/memory`;
  let scratch = false;
  for (const entry of spec.entries) {
    if (OWN.has(entry.name)) continue;
    const target = `/${entry.name}`;
    if (entry.kind === 'symlink') {
      steps.push({ kind: 'symlink', target, to: entry.to });
      continue;
    }
    // An overlay costs a dozen changes of the disk's file system, and each of them may have to wait for others.
    if (entry.empty === true) {
      steps.push({ kind: 'directory', target, mode: 0o755 });
      continue;
    }
    // Overlayfs refuses (ELOOP) an upper layer that lies inside of the lower one.
    const inMemory = isBelow(spec.layerDir, target);
    if (inMemory && !scratch) {
      steps.push({ kind: 'scratch', path: memory });
      scratch = true;
    }
    steps.push({ kind: 'directory', target, mode: 0o755 });
    steps.push(overlayOrEmpty(spec, entry.name, inMemory ? memory : spec.layerDir));
  }
  steps.push(
    { kind: 'directory', target: '/tmp', mode: 0o1777 },
    { kind: 'mount', type: 'tmpfs', target: '/tmp', data: 'mode=1777' },
    { kind: 'directory', target: '/run', mode: 0o755 },
    { kind: 'mount', type: 'tmpfs', target: '/run', data: 'mode=755' },
    { kind: 'directory', target: '/run/lock', mode: 0o1777 },
  );
  for (const path of spec.masked) {
    if (OWN.has(path.split('/')[1] ?? '')) continue;
    steps.push({ kind: 'mount', type: 'tmpfs', target: path, readOnly: true, data: 'size=4k,mode=555' });
  }
  return steps;
}

function overlayOrEmpty(spec: HostImageSpec, name: string, layers: string): MountStep {
  const target = `/${name}`;
  const asked = [...(spec.rootless ? WRITABLE : []), ...spec.directories.map((path) => path.slice(1))];
  const below = asked.filter((path) => path.startsWith(`${name}/`)).map((path) => path.slice(name.length + 1));
  const overlay: MountStep = {
    kind: 'overlay',
    target,
    lower: target,
    upper: `${layers}/upper/${name}`,
    work: `${layers}/work/${name}`,
    userXattr: spec.rootless,
    directories: [...new Set(below)],
  };
  // EINVAL where something is mounted below that we may not uncover; EACCES where we may not look.
  return { kind: 'either', of: [[overlay], [{ kind: 'mount', type: 'tmpfs', target, data: 'mode=755' }]] };
}

export function isBelow(path: string, directory: string): boolean {
  return path === directory || path.startsWith(directory.endsWith('/') ? directory : `${directory}/`);
}
