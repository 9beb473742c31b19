/**
 * One step of building a container's file tree, as data: planned by pure functions, executed by `mount-sync.ts`.
 * `target` is a path as the container sees it; symbolic links on the way are followed inside of its root.
 */
export type MountStep =
  /** Memory outside of the root that holds the upper layers which may not lie on the disk. */
  | { readonly kind: 'scratch'; readonly path: string }
  | {
      readonly kind: 'mount';
      /** tmpfs, sysfs, devpts, mqueue. */
      readonly type: string;
      readonly target: string;
      readonly readOnly?: boolean;
      readonly data?: string;
    }
  | {
      readonly kind: 'overlay';
      readonly target: string;
      readonly lower: string;
      readonly upper: string;
      readonly work: string;
      /** Without privilege overlayfs keeps its marks in user.* attributes. */
      readonly userXattr: boolean;
      /** Directories below `target` that come into being with it, where no other would be allowed to make them. */
      readonly directories: readonly string[];
    }
  | {
      readonly kind: 'layers';
      readonly target: string;
      /** Holds the lower layers. */
      readonly base: string;
      /** Names in `base`, the topmost first. */
      readonly lower: readonly string[];
      readonly upper: string;
      readonly work: string;
      readonly userXattr: boolean;
    }
  | {
      readonly kind: 'bind';
      readonly target: string;
      readonly source: string;
      /** Only this of the source. */
      readonly part?: MountPart;
      readonly readOnly?: boolean;
      /** With all that is mounted below the source. */
      readonly recursive?: boolean;
      /** Device nodes in it are devices. */
      readonly devices?: boolean;
    }
  /** Of the mount at `target`, not of those below it. */
  | { readonly kind: 'read-only'; readonly target: string }
  | { readonly kind: 'directory'; readonly target: string; readonly mode: number }
  | { readonly kind: 'symlink'; readonly target: string; readonly to: string }
  /** The first alternative that the kernel lets us have; what is left out on purpose is an empty last one. */
  | { readonly kind: 'either'; readonly of: readonly (readonly MountStep[])[] };

/** A path in a directory that others may be changing; a directory comes into being where nothing is. */
export interface MountPart {
  readonly path: string;
  /** What to say where that cannot be. */
  readonly failure: string;
}

/** One line a step, alternatives indented below. */
export function formatMountSteps(steps: readonly MountStep[], indent: string = ''): string {
  return steps.map((step) => `${indent}${formatMountStep(step, indent)}\n`).join('');
}

function formatMountStep(step: MountStep, indent: string): string {
  switch (step.kind) {
    case 'scratch':
      return `scratch ${step.path}`;
    case 'mount':
      return [step.type, step.target, step.readOnly ? 'ro' : 'rw', step.data ?? ''].join(' ').trimEnd();
    case 'overlay': {
      const directories = step.directories.length === 0 ? '' : ` with ${step.directories.join(' ')}`;
      return `overlay ${step.target} of ${step.lower} in ${step.upper}${step.userXattr ? ' userxattr' : ''}${directories}`;
    }
    case 'layers':
      return `layers ${step.target} of ${step.lower.join(':')} in ${step.upper}${step.userXattr ? ' userxattr' : ''}`;
    case 'bind':
      return formatBind(step);
    case 'read-only':
      return `read-only ${step.target}`;
    case 'directory':
      return `directory ${step.target} ${step.mode.toString(8)}`;
    case 'symlink':
      return `symlink ${step.target} to ${step.to}`;
    case 'either':
      return `either\n${step.of
        .map((alternative) => formatMountSteps(alternative, `${indent}  `))
        .join(`${indent}or\n`)}`.trimEnd();
  }
}

function formatBind(step: Extract<MountStep, { kind: 'bind' }>): string {
  const access = step.readOnly ? 'ro' : 'rw';
  const part = step.part === undefined ? '' : ` part ${step.part.path}`;
  return `${step.recursive ? 'rbind' : 'bind'} ${step.target} from ${step.source}${part} ${access}${step.devices ? ' dev' : ''}`;
}
