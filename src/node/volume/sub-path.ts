import type { VolumeMount } from '#api/generated/types.ts';
import { ContainerConfigError } from '../pod/container-env.ts';
import { expand } from '../pod/expand.ts';

/** Which part of its volume is mounted; undefined for all of it. Models makeMounts of kubelet_pods.go of v1.34. */
export function subPathOf(
  { subPath, subPathExpr }: Pick<VolumeMount, 'subPath' | 'subPathExpr'>,
  env: Readonly<Record<string, string>>,
): string | undefined {
  const path = subPathExpr === undefined || subPathExpr === '' ? subPath : expanded(subPathExpr, env);
  if (path === undefined || path === '') return undefined;
  if (path.startsWith('/')) throw new ContainerConfigError(`error SubPath \`${path}\` must not be an absolute path`);
  if (path.split('/').includes('..'))
    throw new ContainerConfigError(`unable to provision SubPath \`${path}\`: must not contain '..'`);
  return path;
}

function expanded(text: string, env: Readonly<Record<string, string>>): string {
  const missing = new Set<string>();
  const path = expand(text, (name) => {
    if (!env[name]) missing.add(name);
    return env[name];
  });
  if (missing.size > 0) throw new ContainerConfigError(`missing value for ${[...missing].sort().join(', ')}`);
  return path;
}
