import { json } from 'node:stream/consumers';
import { rfc3339 } from '#base/clock.ts';
import type { Node, Pod } from '#api/generated/types.ts';
import { matchesLabels, type Selector } from '#api/label-selector.ts';
import { parseLabelSelector } from '#api/label-selector-parser.ts';
import type { KubeObject } from '#api/object.ts';
import type { ApiRequest, ApiResponse } from '#api/request.ts';
import { nodes, pods, type Resource } from '#api/resource.ts';
import { badRequest, methodNotAllowed, notFoundStatus } from '#api/status.ts';
import { errorMessage } from '#base/errors.ts';
import type { ServerContext } from '../context.ts';
import { fetchFromNode } from '../node-proxy.ts';
import type { ResourceRequestInfo } from '../request-info.ts';
import { StatusError } from '../status-error.ts';

/** What nodes and Pods use, measured when it is asked for and stored nowhere: the API behind `kubectl top`. */
export interface UsageKind extends Resource {
  readonly singular: string;
  readonly of: Resource;
}

const GROUP = { group: 'metrics.k8s.io', version: 'v1beta1' };

export const usageKinds: readonly UsageKind[] = [
  { ...GROUP, kind: 'NodeMetrics', plural: 'nodes', singular: '', namespaced: false, of: nodes },
  { ...GROUP, kind: 'PodMetrics', plural: 'pods', singular: '', namespaced: true, of: pods },
];

/** The rate of a processor is taken over about so long. */
const WINDOW = '15s';

interface Usage {
  readonly cpu: string;
  readonly memory: string;
}

interface Amounts {
  readonly cpu?: { readonly usageNanoCores?: number };
  readonly memory?: { readonly workingSetBytes?: number };
}

interface Summary {
  readonly node: Amounts;
  readonly pods: readonly {
    readonly podRef: { readonly uid: string };
    readonly containers: readonly (Amounts & { readonly name: string })[];
  }[];
}

export async function usage(
  server: ServerContext,
  kind: UsageKind,
  request: ApiRequest,
  info: ResourceRequestInfo,
): Promise<ApiResponse> {
  if (request.method !== 'GET') throw new StatusError(methodNotAllowed());
  const selected = select(server, kind, request, info);
  const measured =
    kind.of === nodes ? await ofNodes(server, selected as Node[]) : await ofPods(server, selected as Pod[]);
  const apiVersion = `${kind.group}/${kind.version}`;
  if (info.name === undefined) {
    const body = { kind: `${kind.kind}List`, apiVersion, metadata: {}, items: measured };
    return { kind: 'object', status: 200, body };
  }
  const [one] = measured;
  if (one === undefined) throw new StatusError(notFoundStatus(kind, info.name));
  return { kind: 'object', status: 200, body: { kind: kind.kind, apiVersion, ...one } };
}

function select(
  server: ServerContext,
  { of }: UsageKind,
  { query }: ApiRequest,
  { namespace, name }: ResourceRequestInfo,
): readonly KubeObject[] {
  const labels = selectorOf(query['labelSelector'] ?? '');
  return [...server.storage.cache(of).list()]
    .map(({ object }) => object)
    .filter(
      ({ metadata }) =>
        (namespace === undefined || metadata.namespace === namespace) &&
        (name === undefined || metadata.name === name) &&
        (labels === undefined || matchesLabels(labels, metadata.labels)),
    );
}

function selectorOf(text: string): Selector | undefined {
  try {
    return text === '' ? undefined : parseLabelSelector(text);
  } catch (error) {
    throw new StatusError(badRequest(errorMessage(error)));
  }
}

async function ofNodes(server: ServerContext, selected: readonly Node[]): Promise<readonly object[]> {
  const measured = await Promise.all(
    selected.map(async (node) => {
      const summary = await summaryOf(server, node.metadata.name);
      return summary === undefined ? [] : [{ ...headOf(server, node), usage: usageOf(summary.node) }];
    }),
  );
  return measured.flat();
}

/** Pods that have not begun or have ended use nothing, and are left out. */
async function ofPods(server: ServerContext, selected: readonly Pod[]): Promise<readonly object[]> {
  const names = [...new Set(selected.flatMap(({ spec }) => (spec.nodeName === undefined ? [] : [spec.nodeName])))];
  const summaries = await Promise.all(names.map((name) => summaryOf(server, name)));
  const byUid = new Map(summaries.flatMap((summary) => summary?.pods ?? []).map((pod) => [pod.podRef.uid, pod]));
  return selected.flatMap((pod) => {
    const { containers = [] } = byUid.get(pod.metadata.uid) ?? {};
    if (containers.length === 0) return [];
    const shown = containers.map((container) => ({ name: container.name, usage: usageOf(container) }));
    return [{ ...headOf(server, pod), containers: shown }];
  });
}

function headOf(server: ServerContext, { metadata: { name, namespace, labels } }: KubeObject): object {
  const now = rfc3339(server.clock.now());
  return {
    metadata: {
      name,
      ...(namespace === undefined ? {} : { namespace }),
      creationTimestamp: now,
      ...(labels === undefined ? {} : { labels }),
    },
    timestamp: now,
    window: WINDOW,
  };
}

function usageOf({ cpu, memory }: Amounts): Usage {
  return {
    cpu: `${cpu?.usageNanoCores ?? 0}n`,
    memory: `${Math.ceil((memory?.workingSetBytes ?? 0) / 1024)}Ki`,
  };
}

/** A node that does not answer has nothing to say. */
async function summaryOf(server: ServerContext, nodeName: string): Promise<Summary | undefined> {
  try {
    const answer = await fetchFromNode(server.nodes, nodeName, '/stats/summary', undefined);
    return (await json(answer.body)) as Summary;
  } catch (error) {
    server.log.debug('no stats from node', { node: nodeName, error: errorMessage(error) });
    return undefined;
  }
}
