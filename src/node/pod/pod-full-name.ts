import type { Pod } from '#api/generated/types.ts';

/** As kubelets call a Pod in messages. */
export function podFullName({ metadata: { name, namespace = 'default', uid } }: Pod): string {
  return `${name}_${namespace}(${uid})`;
}
