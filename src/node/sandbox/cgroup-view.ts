import type { Cgroup } from '../cgroup/cgroup-sync.ts';
import type { MountStep } from './mount-step.ts';

const CGROUPS = '/sys/fs/cgroup';

/** A container's own groups where programs look for the limits that they have to live with. */
export function planCgroupView(view: Cgroup['view'], privileged: boolean): readonly MountStep[] {
  const readOnly = !privileged;
  const binds = view.map(({ name, source }): MountStep => ({
    kind: 'bind',
    target: name === '' ? CGROUPS : `${CGROUPS}/${name}`,
    source,
    readOnly,
  }));
  const steps: readonly MountStep[] = view.some(({ name }) => name === '')
    ? binds
    : [
        { kind: 'mount', type: 'tmpfs', target: CGROUPS, data: 'mode=755,size=4k' },
        ...binds,
        { kind: 'read-only', target: CGROUPS },
      ];
  return [{ kind: 'either', of: [steps, []] }];
}
