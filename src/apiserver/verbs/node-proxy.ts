import type { ResourceContext } from '../context.ts';
import { fetchFromNode } from '../node-proxy.ts';
import type { StreamResponse } from '../response.ts';

/** What a node says of itself, for clients of this process; requests over HTTP are relayed before they come here. */
export async function proxyToNode({ server, info, request }: ResourceContext): Promise<StreamResponse> {
  const query = new URLSearchParams(request.query).toString();
  const path = `/${info.rest}${query === '' ? '' : `?${query}`}`;
  const answer = await fetchFromNode(server.nodes, info.name ?? '', path, request.signal);
  return { kind: 'stream', ...answer };
}
