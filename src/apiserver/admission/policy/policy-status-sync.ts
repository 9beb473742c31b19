import { rfc3339 } from '#base/clock.ts';
import { errorMessage } from '#base/errors.ts';
import type { ValidatingAdmissionPolicy } from '#api/generated/types.ts';
import { typeWarnings } from '#api/policy/type-check.ts';
import { validatingAdmissionPolicies } from '#api/resource.ts';
import type { ServerContext } from '../../context.ts';
import { StatusError } from '../../status-error.ts';
import { modify } from '../../verbs/update.ts';

type Policy = ValidatingAdmissionPolicy;

/** Says in the status of each policy what its expressions get wrong about the kinds that it is about. */
export function startPolicyStatusSync(server: ServerContext): void {
  const cache = server.storage.cache(validatingAdmissionPolicies);
  const follow = (policy: Policy): void => {
    if (isChecked(policy)) return;
    check(server, policy.metadata.name).catch((error: unknown) => {
      if (server.closing.aborted || (error instanceof StatusError && error.status.reason === 'NotFound')) return;
      server.log.warn('the expressions of a policy could not be checked', { error: errorMessage(error) });
    });
  };
  for (const { object } of cache.list()) follow(object as Policy);
  cache.subscribe(({ type, current }) => {
    if (type !== 'DELETED') follow(current.object as Policy);
  });
}

function isChecked({ metadata, status }: Policy): boolean {
  return (metadata.generation ?? 0) <= (status?.observedGeneration ?? 0);
}

async function check(server: ServerContext, name: string): Promise<void> {
  const resource = validatingAdmissionPolicies;
  const kind = server.registry.byKind(resource.group, resource.version, resource.kind);
  if (kind === undefined) return;
  const time = rfc3339(server.clock.now());
  const target = {
    server,
    kind,
    cache: server.storage.cache(resource),
    key: name,
    name,
    user: { username: 'system:apiserver', groups: ['system:masters'] },
    writer: {
      manager: 'kube-apiserver',
      operation: 'Update',
      apiVersion: `${resource.group}/${resource.version}`,
      subresource: 'status',
      time,
    },
  } as const;
  await modify(target, 'status', ({ object }) => {
    const policy = object as Policy;
    const expressionWarnings = typeWarnings(policy.spec, server.registry);
    return {
      ...policy,
      status: {
        ...policy.status,
        observedGeneration: policy.metadata.generation,
        typeChecking: expressionWarnings.length === 0 ? {} : { expressionWarnings },
      },
    };
  });
}
