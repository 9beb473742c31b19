import { type Pod } from '#api/generated/types.ts';
import { type KindDefinition } from '#api/kind.ts';
import { type KubeObject } from '#api/object.ts';
import { pods } from '#api/resource.ts';
import { type ServerContext } from '../context.ts';
import { admitIntoNamespace } from './namespace-lifecycle.ts';
import { admitPriority, admitTolerations } from './pod-placement.ts';
import { admitServiceAccount } from './service-account.ts';

/** What the cluster makes of a new object before it is validated; throws where it must not be. */
export async function admitCreate(
  server: ServerContext,
  kind: KindDefinition,
  object: KubeObject,
): Promise<KubeObject> {
  const { namespace, name } = object.metadata;
  if (namespace !== undefined) admitIntoNamespace(server, kind, namespace, name ?? '');
  if (kind.resource.group === '' && kind.resource.plural === pods.plural) return admitPod(server, object as Pod);
  return object;
}

async function admitPod(server: ServerContext, pod: Pod): Promise<Pod> {
  // A Pod without a spec is refused by validation, which is not for here to anticipate.
  if (pod.spec?.containers === undefined) return pod;
  return admitPriority(server, admitTolerations(await admitServiceAccount(server, pod)));
}
