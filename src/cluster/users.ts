import type { UserInfo } from '#api/request.ts';

/** As whom the parts of a cluster speak to the API; the names are those that Kubernetes gives the same parts. */
export const CONTROL_PLANE: UserInfo = Object.freeze({
  username: 'system:apiserver',
  groups: Object.freeze(['system:masters', 'system:authenticated']),
});
export const CONTROLLERS: UserInfo = Object.freeze({
  username: 'system:kube-controller-manager',
  groups: Object.freeze(['system:masters', 'system:authenticated']),
});
export const NODES: UserInfo = Object.freeze({
  username: 'system:nodes',
  groups: Object.freeze(['system:nodes', 'system:authenticated']),
});
/** The proxies and DNS: they only read. */
export const SERVICES: UserInfo = Object.freeze({
  username: 'system:kube-proxy',
  groups: Object.freeze(['system:node-proxier', 'system:authenticated']),
});
