import type { Pod } from '#api/generated/types.ts';
import { leases, nodes, pods } from '#api/resource.ts';
import { type Client, isReason } from '#client/client.ts';

const LEASE_NAMESPACE = 'kube-node-lease';

/** Takes the objects of a node away that is gone for good, its Pods with it; controllers make others elsewhere. */
export async function forgetNode(client: Client, name: string): Promise<void> {
  await ignoreNotFound(client.delete(nodes, { name }));
  await ignoreNotFound(client.delete(leases, { namespace: LEASE_NAMESPACE, name }));
  const { items } = await client.list(pods, { fieldSelector: `spec.nodeName=${name}` });
  await Promise.all(items.map((pod) => deletePod(client, pod)));
}

async function deletePod(client: Client, { metadata: { namespace, name, uid } }: Pod): Promise<void> {
  await ignoreNotFound(client.delete(pods, { namespace, name }, { gracePeriodSeconds: 0, preconditions: { uid } }));
}

async function ignoreNotFound(work: Promise<unknown>): Promise<void> {
  try {
    await work;
  } catch (error) {
    if (!isReason(error, 'NotFound', 'Conflict')) throw error;
  }
}
