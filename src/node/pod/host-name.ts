import type { Pod } from '#api/generated/types.ts';

/** The limit of the kernel's and DNS' labels. */
const MAX_LENGTH = 63;

export function hostnameOf(pod: Pod): string {
  return (pod.spec.hostname ?? pod.metadata.name).slice(0, MAX_LENGTH).replace(/[-.]+$/, '');
}

/** The name under which a headless Service `subdomain` makes the Pod known; undefined without one. */
export function podDomainOf(pod: Pod, clusterDomain: string): string | undefined {
  if (pod.spec.subdomain === undefined || pod.spec.subdomain === '') return undefined;
  return `${hostnameOf(pod)}.${pod.spec.subdomain}.${pod.metadata.namespace ?? 'default'}.svc.${clusterDomain}`;
}
