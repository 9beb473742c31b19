import { errorMessage } from '#base/errors.ts';
import type { ConfigMap, Pod, Secret } from '#api/generated/types.ts';
import type { KubeObject } from '#api/object.ts';
import {
  configMaps,
  persistentVolumeClaims,
  persistentVolumes,
  type Resource,
  resourcePath,
  secrets,
  serviceAccounts,
} from '#api/resource.ts';
import { type Client, isReason } from '#client/client.ts';
import type { NodeContext } from './node-context.ts';
import { ContainerConfigError, envReferences, type PodSources } from './pod/container-env.ts';
import { PreparationError, setUpError } from './pod-sandbox-agent.ts';
import { checkClaim, claimedVolume, type ClaimedVolume, claimNameOf } from './volume/claimed-volume.ts';
import { tokenKey, type TokenWish, volumeReferences } from './volume/volume-files.ts';

/** All that a Pod needs from the API, as it was at one moment. */
export interface PodInputs extends PodSources {
  readonly tokens: ReadonlyMap<string, string>;
  /** Of volumes that stand for a claim, by the name of the volume. */
  readonly claimed: ReadonlyMap<string, ClaimedVolume>;
  /** When the first token has to be fetched anew, by the clock. */
  readonly tokensUntil: number;
  /** When all this should be looked at again, in milliseconds; undefined when nothing of it can change. */
  readonly refreshMs: number | undefined;
}

/** As kubelets do without a watch: changes of a ConfigMap or Secret show in volumes after so long at most. */
const SOURCES_REFRESH_MS = 10_000;
/** In every Pod, and never changed. */
const ROOT_CA = 'kube-root-ca.crt';

/** What does not exist is left out: only its user knows whether it is optional. Tokens of `before` are used up first. */
export async function fetchPodInputs({ client, clock }: NodeContext, pod: Pod, before?: PodInputs): Promise<PodInputs> {
  const { volumes = [], initContainers = [], containers, ephemeralContainers = [] } = pod.spec;
  const byVolumes = volumeReferences(volumes);
  const byEnv = envReferences([...initContainers, ...containers, ...ephemeralContainers]);
  const fresh = before !== undefined && clock.now() < before.tokensUntil ? before : undefined;
  const [configMapsByName, secretsByName, tokens, claimed] = await Promise.all([
    fetchAll<ConfigMap>(client, configMaps, pod, [...byVolumes.configMaps, ...byEnv.configMaps]),
    fetchAll<Secret>(client, secrets, pod, [...byVolumes.secrets, ...byEnv.secrets]),
    fresh?.tokens ?? fetchTokens(client, pod, byVolumes.tokens),
    // What a container has been given does not change under it.
    before?.claimed ?? fetchClaimed(client, pod),
  ]);
  const lifetimes = byVolumes.tokens.map(({ expirationSeconds }) => expirationSeconds * 1000);
  const tokensUntil = fresh?.tokensUntil ?? clock.now() + Math.min(...lifetimes) * 0.8;
  const changing = [...byVolumes.secrets, ...byVolumes.configMaps].some((name) => name !== ROOT_CA);
  const refreshMs = Math.min(changing ? SOURCES_REFRESH_MS : Infinity, tokensUntil - clock.now());
  return {
    configMaps: configMapsByName,
    secrets: secretsByName,
    tokens,
    claimed,
    tokensUntil,
    refreshMs: Number.isFinite(refreshMs) ? Math.max(refreshMs, 1000) : undefined,
  };
}

/** Each claim has its volume, or the Pod waits. */
async function fetchClaimed(client: Client, pod: Pod): Promise<ReadonlyMap<string, ClaimedVolume>> {
  const { namespace } = pod.metadata;
  const entries = (pod.spec.volumes ?? []).map(async (volume) => {
    const name = claimNameOf(pod, volume);
    if (name === undefined) return undefined;
    try {
      const claim = checkClaim(pod, volume, await ifThere(client.get(persistentVolumeClaims, { namespace, name })));
      const held = await ifThere(client.get(persistentVolumes, { name: claim.spec.volumeName ?? '' }));
      return [volume.name, claimedVolume(claim, held)] as const;
    } catch (error) {
      if (!(error instanceof ContainerConfigError)) throw error;
      const what = `unmounted volumes=[${volume.name}], unattached volumes=[], failed to process volumes=[${volume.name}]`;
      throw new PreparationError('FailedMount', `Unable to attach or mount volumes: ${what}: ${error.message}`);
    }
  });
  return new Map((await Promise.all(entries)).filter((entry) => entry !== undefined));
}

async function ifThere<T>(call: Promise<T>): Promise<T | undefined> {
  try {
    return await call;
  } catch (error) {
    if (isReason(error, 'NotFound')) return undefined;
    throw error;
  }
}

async function fetchTokens(
  client: Client,
  pod: Pod,
  wishes: readonly TokenWish[],
): Promise<ReadonlyMap<string, string>> {
  const tokens = wishes.map(async (wish) => [tokenKey(wish), await requestToken(client, pod, wish)] as const);
  return new Map(await Promise.all(tokens));
}

async function fetchAll<T extends KubeObject>(
  client: Client,
  resource: Resource<T>,
  pod: Pod,
  names: readonly string[],
): Promise<ReadonlyMap<string, T>> {
  const found = await Promise.all(
    [...new Set(names)].map(async (name) => {
      const object = await ifThere(client.get(resource, { namespace: pod.metadata.namespace, name }));
      return object === undefined ? undefined : ([name, object] as const);
    }),
  );
  return new Map(found.filter((entry) => entry !== undefined));
}

async function requestToken(client: Client, pod: Pod, wish: TokenWish): Promise<string> {
  try {
    return await tokenOf(client, pod, wish);
  } catch (error) {
    const holder = pod.spec.volumes?.find(({ projected }) =>
      projected?.sources?.some(({ serviceAccountToken }) => serviceAccountToken !== undefined),
    );
    throw setUpError(holder?.name ?? '', `failed to fetch token: ${errorMessage(error)}`);
  }
}

async function tokenOf(client: Client, pod: Pod, wish: TokenWish): Promise<string> {
  const { namespace, name, uid } = pod.metadata;
  const account = pod.spec.serviceAccountName ?? 'default';
  const answer = await client.raw({
    method: 'POST',
    path: resourcePath(serviceAccounts, { namespace, name: account, subresource: 'token' }),
    contentType: 'application/json',
    body: {
      apiVersion: 'authentication.k8s.io/v1',
      kind: 'TokenRequest',
      spec: {
        audiences: wish.audience === undefined ? [] : [wish.audience],
        expirationSeconds: wish.expirationSeconds,
        boundObjectRef: { apiVersion: 'v1', kind: 'Pod', name, uid },
      },
    },
  });
  const token = (answer as { readonly status?: { readonly token?: string } }).status?.token;
  if (token === undefined) throw new TypeError(`no token for ${account} came back`);
  return token;
}
