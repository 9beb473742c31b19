import type { Container, LimitRange, LimitRangeItem, PersistentVolumeClaim, Pod } from '#api/generated/types.ts';
import type { KubeObject } from '#api/object.ts';
import { qosClassOf } from '#api/pod/qos.ts';
import { type Amounts, amountsOf, amountText } from '#api/quota/amounts.ts';
import { podAmounts } from '#api/quota/pod-amounts.ts';
import { limitRanges, persistentVolumeClaims, pods, type Resource } from '#api/resource.ts';
import { forbiddenStatus } from '#api/status.ts';
import type { ServerContext } from '../context.ts';
import { StatusError } from '../status-error.ts';

const ANNOTATION = 'kubernetes.io/limit-ranger';

function rangesOf(server: ServerContext, { metadata }: KubeObject): readonly LimitRange[] {
  const cache = server.storage.cache(limitRanges);
  if (cache.size === 0 || metadata.namespace === undefined) return [];
  return Array.from(cache.list(`${metadata.namespace}/`), ({ object }) => object as LimitRange);
}

function itemsOf(range: LimitRange): readonly LimitRangeItem[] {
  return range.spec?.limits ?? [];
}

/** Gives containers what the namespace's LimitRanges say they have when they say nothing, and refuses what is out of range. */
export function admitLimits(server: ServerContext, pod: Pod): Pod {
  const ranges = rangesOf(server, pod);
  if (ranges.length === 0) return pod;
  const filled = ranges.reduce(withDefaults, pod);
  for (const range of ranges) refuseProblems(pods, filled, podProblems(range, filled));
  // Whoever has limits now is of another class than before.
  return { ...filled, status: { ...filled.status, qosClass: qosClassOf(filled.spec) } };
}

/** Refuses a Pod whose containers have been given other resources, where these are out of range. */
export function checkLimits(server: ServerContext, pod: Pod): void {
  for (const range of rangesOf(server, pod)) refuseProblems(pods, pod, podProblems(range, pod));
}

export function admitClaimLimits(server: ServerContext, claim: PersistentVolumeClaim): PersistentVolumeClaim {
  for (const range of rangesOf(server, claim)) {
    const requests = amountsOf(claim.spec.resources?.requests);
    const problems = itemsOf(range).flatMap((item) =>
      item.type === 'PersistentVolumeClaim' ? claimProblems(item, requests) : [],
    );
    refuseProblems(persistentVolumeClaims, claim, problems);
  }
  return claim;
}

function refuseProblems(resource: Resource, { metadata }: KubeObject, problems: readonly string[]): void {
  if (problems.length === 0) return;
  const text = problems.length === 1 ? (problems[0] ?? '') : `[${problems.join(', ')}]`;
  throw new StatusError(forbiddenStatus(resource, metadata.name ?? '', text));
}

interface Filled {
  readonly container: Container;
  readonly said: readonly string[];
}

function withDefaults(pod: Pod, range: LimitRange): Pod {
  const items = itemsOf(range).filter(({ type }) => type === 'Container');
  const requests = Object.assign({}, ...items.map((item) => item.defaultRequest ?? {})) as Record<string, string>;
  const limits = Object.assign({}, ...items.map((item) => item.default ?? {})) as Record<string, string>;
  const fill =
    (what: string) =>
    (container: Container): Filled => {
      const { resources = {} } = container;
      const missing = (given: object | undefined, usual: object): string[] =>
        Object.keys(usual)
          .filter((name) => !Object.hasOwn(given ?? {}, name))
          .toSorted();
      const asked = missing(resources.requests, requests);
      const limited = missing(resources.limits, limits);
      if (asked.length + limited.length === 0) return { container, said: [] };
      const filled = {
        ...resources,
        ...(Object.keys(limits).length === 0 ? {} : { limits: { ...limits, ...resources.limits } }),
        ...(Object.keys(requests).length === 0 ? {} : { requests: { ...requests, ...resources.requests } }),
      };
      const said = [
        ...(asked.length === 0 ? [] : [`${asked.join(', ')} request for ${what} ${container.name}`]),
        ...(limited.length === 0 ? [] : [`${limited.join(', ')} limit for ${what} ${container.name}`]),
      ];
      return { container: { ...container, resources: filled }, said };
    };
  const containers = pod.spec.containers.map(fill('container'));
  const inits = pod.spec.initContainers?.map(fill('init container'));
  const said = [...containers, ...(inits ?? [])].flatMap((one) => one.said);
  if (said.length === 0) return pod;
  const annotations = { ...pod.metadata.annotations, [ANNOTATION]: `LimitRanger plugin set: ${said.join('; ')}` };
  return {
    ...pod,
    metadata: { ...pod.metadata, annotations },
    spec: {
      ...pod.spec,
      containers: containers.map(({ container }) => container),
      ...(inits === undefined ? {} : { initContainers: inits.map(({ container }) => container) }),
    },
  };
}

function podProblems(range: LimitRange, { spec }: Pod): readonly string[] {
  return itemsOf(range).flatMap((item) => {
    if (item.type === 'Pod') return problems(item, podAmounts(spec, 'requests'), podAmounts(spec, 'limits'));
    if (item.type !== 'Container') return [];
    return [...spec.containers, ...(spec.initContainers ?? [])].flatMap(({ resources }) =>
      problems(item, amountsOf(resources?.requests), amountsOf(resources?.limits)),
    );
  });
}

/** In the words of Kubernetes: the first thing that is wrong with each bound. */
function problems(item: LimitRangeItem, requests: Amounts, limits: Amounts): string[] {
  const each = (bounds: Readonly<Record<string, string>> | undefined, check: Check): string[] =>
    [...amountsOf(bounds)].flatMap(([name, bound]) => {
      const text = check(name, bound, requests.get(name), limits.get(name));
      return text === undefined ? [] : [text.replaceAll('TYPE', item.type)];
    });
  return [...each(item.min, tooLittle), ...each(item.max, tooMuch), ...each(item.maxLimitRequestRatio, tooFar)];
}

type Check = (
  name: string,
  bound: bigint,
  request: bigint | undefined,
  limit: bigint | undefined,
) => string | undefined;

const tooLittle: Check = (name, bound, request, limit) => {
  const text = `minimum ${name} usage per TYPE is ${amountText(name, bound)}`;
  if (request === undefined) return `${text}.  No request is specified`;
  if (request < bound) return `${text}, but request is ${amountText(name, request)}`;
  return limit !== undefined && limit < bound ? `${text}, but limit is ${amountText(name, limit)}` : undefined;
};

const tooMuch: Check = (name, bound, request, limit) => {
  const text = `maximum ${name} usage per TYPE is ${amountText(name, bound)}`;
  if (limit === undefined) return `${text}.  No limit is specified`;
  if (limit > bound) return `${text}, but limit is ${amountText(name, limit)}`;
  return request !== undefined && request > bound ? `${text}, but request is ${amountText(name, request)}` : undefined;
};

const tooFar: Check = (name, bound, request = 0n, limit = 0n) => {
  const text = `${name} max limit to request ratio per TYPE is ${amountText('', bound)}`;
  if (request === 0n) return `${text}, but no request is specified or request is 0`;
  if (limit === 0n) return `${text}, but no limit is specified or limit is 0`;
  const ratio = Number(limit) / Number(request);
  return ratio > Number(bound) / 1e9 ? `${text}, but provided ratio is ${ratio.toFixed(6)}` : undefined;
};

function claimProblems(item: LimitRangeItem, requests: Amounts): string[] {
  const least = problems({ type: item.type, min: item.min }, requests, new Map());
  const most = [...amountsOf(item.max)].flatMap(([name, bound]) => {
    const request = requests.get(name);
    const text = `maximum ${name} usage per ${item.type} is ${amountText(name, bound)}`;
    if (request === undefined) return [`${text}.  No request is specified`];
    return request > bound ? [`${text}, but request is ${amountText(name, request)}`] : [];
  });
  return [...least, ...most];
}
