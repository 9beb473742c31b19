import type { Node } from '#api/generated/types.ts';
import { nodes } from '#api/resource.ts';
import { CodedError } from '#base/errors.ts';
import { formatIp, type Ip } from '#base/ip.ts';
import type { Informer } from '#client/informer.ts';
import { nodeFacts, type NodeFacts } from '../node-view.ts';
import type { FeedOptions } from './cluster-feed.ts';

/** kubelet and proxy start together: the Node may be a while. */
const WAIT_MS = 30_000;
const POLL_MS = 250;

export interface NodeWants {
  readonly name: string;
  /** Its part of the Pods' addresses has to be known. */
  readonly needsPodCidrs: boolean;
}

/**
 * Waits until the Node is there and says what is needed.
 * @throws CodedError `ENONODE`, `ENOPODCIDR`
 */
export async function ownNode(informer: Informer<Node>, wants: NodeWants, options: FeedOptions): Promise<Node> {
  const { clock, log, signal } = options;
  const end = clock.monotonic() + WAIT_MS;
  await informer.synced;
  for (let attempt = 0; ; attempt++) {
    const node = informer.get(wants.name);
    if (node !== undefined && (!wants.needsPodCidrs || (node.spec.podCIDRs ?? []).length > 0)) return node;
    if (clock.monotonic() >= end) throw await missing(node, wants, options);
    if (attempt === 0) log.info(`waiting for ${node === undefined ? 'the Node' : 'its podCIDR'}`, { node: wants.name });
    await clock.sleep(POLL_MS, signal);
  }
}

async function missing(node: Node | undefined, { name }: NodeWants, { client }: FeedOptions): Promise<CodedError> {
  if (node !== undefined) {
    return new CodedError('ENOPODCIDR', `Cannot tell Pods of node "${name}" from others: it has no podCIDR`, {
      hint: 'let the controller manager allocate them, or use another detectLocalMode',
    });
  }
  const all = await client.list(nodes, { limit: 10 }).catch(() => undefined);
  const names = all?.items.map(({ metadata }) => metadata.name) ?? [];
  const hint =
    names.length === 0 ? 'name the node with --node-name' : `there is ${names.join(', ')}: choose with --node-name`;
  return new CodedError('ENONODE', `Cannot find the node "${name}" in the cluster`, { hint });
}

/** As the Node says, but for an address of its family that was given. */
export function factsOf(node: Node, address: Ip | undefined): NodeFacts {
  const facts = nodeFacts(node);
  if (address === undefined) return facts;
  const own = formatIp(address);
  const others = facts.addresses.filter((one) => one.includes(':') !== own.includes(':'));
  return { ...facts, addresses: [own, ...others] };
}
