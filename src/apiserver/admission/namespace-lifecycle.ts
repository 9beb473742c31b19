import type { KindDefinition } from '#api/kind.ts';
import type { Status } from '#api/object.ts';
import { namespaces } from '#api/resource.ts';
import { failure, forbiddenStatus, notFoundStatus, qualifiedResource } from '#api/status.ts';
import { find, type ServerContext } from '../context.ts';
import { StatusError } from '../status-error.ts';

/** The cluster cannot do without these. */
const IMMORTAL: ReadonlySet<string> = new Set(['default', 'kube-system', 'kube-public']);

/** Nothing is created in a namespace that is not there or on its way out. */
export function admitIntoNamespace(server: ServerContext, kind: KindDefinition, namespace: string, name: string): void {
  const found = find(server, namespaces, namespace);
  if (found === undefined) throw new StatusError(notFoundStatus(namespaces, namespace));
  if (found.metadata.deletionTimestamp !== undefined) throw new StatusError(terminating(kind, namespace, name));
}

function terminating(kind: KindDefinition, namespace: string, name: string): Status {
  const { group, plural } = kind.resource;
  const what = `${qualifiedResource(kind.resource)} ${JSON.stringify(name)}`;
  const why = `unable to create new content in namespace ${namespace} because it is being terminated`;
  return failure(403, `${what} is forbidden: ${why}`, {
    reason: 'Forbidden',
    details: {
      ...(name === '' ? {} : { name }),
      ...(group === '' ? {} : { group }),
      kind: plural,
      causes: [
        {
          reason: 'NamespaceTerminating',
          message: `namespace ${namespace} is being terminated`,
          field: 'metadata.namespace',
        },
      ],
    },
  });
}

export function admitNamespaceDeletion(name: string): void {
  if (IMMORTAL.has(name)) throw new StatusError(forbiddenStatus(namespaces, name, 'this namespace may not be deleted'));
}
