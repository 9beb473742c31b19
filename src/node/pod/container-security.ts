import type { Container, Pod, SeccompProfile } from '#api/generated/types.ts';
import { grantCapabilities, unknownCapability } from '../stage/capability.ts';
import type { ContainerSecurity } from '../sandbox/container-run-sync.ts';
import type { IdentityWish } from '../stage/identity.ts';
import { ContainerConfigError } from './container-env.ts';
import { podFullName } from './pod-full-name.ts';

/** What the Pod and the container ask for together; where both say something, the container is right. */
export function containerSecurity(pod: Pod, container: Container, imageUser: string): ContainerSecurity {
  const common = pod.spec.securityContext ?? {};
  const own = container.securityContext ?? {};
  const privileged = own.privileged ?? false;
  const wish = { add: own.capabilities?.add ?? [], drop: own.capabilities?.drop ?? [], privileged };
  const unknown = unknownCapability(wish);
  if (unknown !== undefined) throw new ContainerConfigError(`unknown capability ${JSON.stringify(unknown)}`);
  return {
    identity: identityWish(pod, container, imageUser),
    capabilities: grantCapabilities(wish),
    noNewPrivs: own.allowPrivilegeEscalation === false,
    privileged,
    filtered: !privileged && isFiltered(own.seccompProfile ?? common.seccompProfile),
  };
}

function identityWish(pod: Pod, { name, securityContext: own = {} }: Container, imageUser: string): IdentityWish {
  const { securityContext: common = {} } = pod.spec;
  const { fsGroup, supplementalGroups = [], supplementalGroupsPolicy } = common;
  return {
    imageUser,
    user: own.runAsUser ?? common.runAsUser,
    group: own.runAsGroup ?? common.runAsGroup,
    groups: fsGroup === undefined ? supplementalGroups : [...supplementalGroups, fsGroup],
    mergeGroups: supplementalGroupsPolicy !== 'Strict',
    nonRoot:
      (own.runAsNonRoot ?? common.runAsNonRoot) === true ? { pod: podFullName(pod), container: name } : undefined,
  };
}

/** Profiles of one's own are files for a kubelet's directory, which we have not. */
function isFiltered(profile: SeccompProfile | undefined): boolean {
  if (profile?.type === 'Localhost') {
    const name = JSON.stringify(profile.localhostProfile ?? '');
    throw new ContainerConfigError(`cannot load seccomp profile ${name}: profiles of type Localhost are not supported`);
  }
  return profile?.type === 'RuntimeDefault';
}
