import { randomSuffix } from '#base/names.ts';
import type { Container, Pod, PodSpec, ServiceAccount, Volume } from '#api/generated/types.ts';
import { pods, serviceAccounts } from '#api/resource.ts';
import { forbiddenStatus } from '#api/status.ts';
import { find, type ServerContext } from '../context.ts';
import { StatusError } from '../status-error.ts';

const TOKEN_PATH = '/var/run/secrets/kubernetes.io/serviceaccount';
/** A little over an hour: the kubelet asks anew at 80% of it. */
const TOKEN_SECONDS = 3_607;
/** A new namespace gets its default account from a controller a moment later; so long is it waited for, ms. */
const DEFAULT_ACCOUNT_WAIT_MS = 1_000;
/** Says that a Pod is the mirror of one that its node runs from a file; such Pods have no account. */
const MIRROR_ANNOTATION = 'kubernetes.io/config.mirror';

/** Gives a Pod its service account, and its containers the account's token, unless they mount something there. */
export async function admitServiceAccount(server: ServerContext, pod: Pod): Promise<Pod> {
  if (pod.metadata.annotations?.[MIRROR_ANNOTATION] !== undefined) return pod;
  const name = pod.spec.serviceAccountName || 'default';
  const account = await findAccount(server, pod, name);
  const spec: PodSpec = {
    ...pod.spec,
    serviceAccountName: name,
    serviceAccount: name,
    imagePullSecrets: pod.spec.imagePullSecrets ?? account.imagePullSecrets,
  };
  const automount = spec.automountServiceAccountToken ?? account.automountServiceAccountToken ?? true;
  return { ...pod, spec: automount ? withToken(spec) : spec };
}

async function findAccount(server: ServerContext, pod: Pod, name: string): Promise<ServiceAccount> {
  const key = `${pod.metadata.namespace ?? ''}/${name}`;
  let account = find(server, serviceAccounts, key);
  if (account === undefined && name === 'default') {
    await waitForKey(server, key);
    account = find(server, serviceAccounts, key);
  }
  if (account !== undefined) return account;
  const why = `error looking up service account ${key}: serviceaccount ${JSON.stringify(name)} not found`;
  throw new StatusError(forbiddenStatus(pods, pod.metadata.name ?? '', why));
}

function waitForKey(server: ServerContext, key: string): Promise<void> {
  return new Promise((resolve) => {
    const done = (): void => {
      subscription[Symbol.dispose]();
      timer[Symbol.dispose]();
      resolve();
    };
    const subscription = server.storage.cache(serviceAccounts).subscribe(({ current }) => {
      if (current.key === key) done();
    });
    const timer = server.clock.after(DEFAULT_ACCOUNT_WAIT_MS, done);
  });
}

function withToken(spec: PodSpec): PodSpec {
  const volume = tokenVolume(`kube-api-access-${randomSuffix()}`);
  const mounts = (container: Container): boolean =>
    (container.volumeMounts ?? []).some(({ mountPath }) => mountPath === TOKEN_PATH);
  const all = [...spec.containers, ...(spec.initContainers ?? [])];
  if (all.every(mounts)) return spec;
  const mounted = (container: Container): Container => {
    if (mounts(container)) return container;
    const mount = { name: volume.name, readOnly: true, mountPath: TOKEN_PATH };
    return { ...container, volumeMounts: [...(container.volumeMounts ?? []), mount] };
  };
  return {
    ...spec,
    containers: spec.containers.map(mounted),
    ...(spec.initContainers === undefined ? {} : { initContainers: spec.initContainers.map(mounted) }),
    volumes: [...(spec.volumes ?? []), volume],
  };
}

function tokenVolume(name: string): Volume {
  return {
    name,
    projected: {
      defaultMode: 0o644,
      sources: [
        { serviceAccountToken: { expirationSeconds: TOKEN_SECONDS, path: 'token' } },
        { configMap: { name: 'kube-root-ca.crt', items: [{ key: 'ca.crt', path: 'ca.crt' }] } },
        {
          downwardAPI: {
            items: [{ path: 'namespace', fieldRef: { apiVersion: 'v1', fieldPath: 'metadata.namespace' } }],
          },
        },
      ],
    },
  };
}
