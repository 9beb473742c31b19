import type { ConfigMap, Namespace } from '#api/generated/types.ts';
import { configMaps, namespaces, serviceAccounts } from '#api/resource.ts';
import { isReason } from '#client/client.ts';
import { type ControllerContext, createControllerQueue } from './controller-context.ts';

const ROOT_CA = 'kube-root-ca.crt';
/** Word for word, for who looks at the map in both. */
const DESCRIPTION =
  'Contains a CA bundle that can be used to verify the kube-apiserver when using internal endpoints such as the internal ' +
  'service IP or kubernetes.default.svc. No other usage is guaranteed across distributions of Kubernetes clusters.';

/** Gives every namespace its `default` ServiceAccount and the certificate to trust the API server by. */
export function startServiceAccountController(context: ControllerContext, rootCa: string): void {
  const { client, informers } = context;
  const namespaceInformer = informers.for(namespaces);
  const accounts = informers.for(serviceAccounts);
  const maps = informers.for(configMaps);
  const data = { 'ca.crt': rootCa };
  const annotations = { 'kubernetes.io/description': DESCRIPTION };

  const queue = createControllerQueue(
    context,
    { name: 'service-account', waitFor: [namespaceInformer, accounts, maps], concurrency: 8 },
    async (namespace) => {
      const found = namespaceInformer.get(namespace);
      if (found === undefined || !isLiving(found)) return;
      await Promise.all([ensureAccount(namespace), ensureMap(namespace, maps.get(`${namespace}/${ROOT_CA}`))]);
    },
  );
  const ensureAccount = async (namespace: string): Promise<void> => {
    if (accounts.get(`${namespace}/default`) !== undefined) return;
    await ignoreRefusal(client.create(serviceAccounts, { metadata: { namespace, name: 'default' } }));
  };
  const ensureMap = async (namespace: string, map: ConfigMap | undefined): Promise<void> => {
    if (map === undefined) {
      await ignoreRefusal(client.create(configMaps, { metadata: { namespace, name: ROOT_CA, annotations }, data }));
    } else if (map.data?.['ca.crt'] !== rootCa || Object.keys(map.data).length > 1) {
      await client.update(configMaps, { ...map, data });
    }
  };

  namespaceInformer.on({ added: ({ metadata }) => queue.add(metadata.name) });
  accounts.on({
    deleted: ({ metadata }) => {
      if (metadata.name === 'default') queue.add(metadata.namespace ?? '');
    },
  });
  const mapChanged = ({ metadata }: ConfigMap): void => {
    if (metadata.name === ROOT_CA) queue.add(metadata.namespace ?? '');
  };
  maps.on({ updated: mapChanged, deleted: mapChanged });
}

function isLiving({ metadata }: Namespace): boolean {
  return metadata.deletionTimestamp === undefined;
}

/** There already, or the namespace is on its way out. */
async function ignoreRefusal(call: Promise<unknown>): Promise<void> {
  try {
    await call;
  } catch (error) {
    if (!isReason(error, 'AlreadyExists', 'Forbidden', 'NotFound')) throw error;
  }
}
