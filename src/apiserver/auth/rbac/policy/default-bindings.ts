import { controllerRoles } from './controller-roles.ts';
import { account, group, user, type DefaultBinding } from './notation.ts';

const everybody = group('system:authenticated');

function leaderLock(component: string, ...more: readonly string[]): DefaultBinding {
  const name = `system::leader-locking-${component}`;
  const subjects = [user(`system:${component}`), ...[component, ...more].map(account)];
  return { name, namespace: 'kube-system', role: name, subjects };
}

export const defaultBindings: readonly DefaultBinding[] = [
  { name: 'cluster-admin', role: 'cluster-admin', subjects: [group('system:masters')] },
  { name: 'system:monitoring', role: 'system:monitoring', subjects: [group('system:monitoring')] },
  { name: 'system:discovery', role: 'system:discovery', subjects: [everybody] },
  { name: 'system:basic-user', role: 'system:basic-user', subjects: [everybody] },
  {
    name: 'system:public-info-viewer',
    role: 'system:public-info-viewer',
    subjects: [everybody, group('system:unauthenticated')],
  },
  { name: 'system:node-proxier', role: 'system:node-proxier', subjects: [user('system:kube-proxy')] },
  {
    name: 'system:kube-controller-manager',
    role: 'system:kube-controller-manager',
    subjects: [user('system:kube-controller-manager')],
  },
  { name: 'system:kube-dns', role: 'system:kube-dns', subjects: [account('kube-dns')] },
  // The name servers are one with the proxies here, and come as the same user.
  { name: 'system:coredns', role: 'system:coredns', subjects: [account('coredns'), group('system:node-proxier')] },
  { name: 'system:kube-scheduler', role: 'system:kube-scheduler', subjects: [user('system:kube-scheduler')] },
  { name: 'system:volume-scheduler', role: 'system:volume-scheduler', subjects: [user('system:kube-scheduler')] },
  {
    name: 'system:service-account-issuer-discovery',
    role: 'system:service-account-issuer-discovery',
    subjects: [group('system:serviceaccounts')],
  },
  // Kubernetes leaves this one empty and lets its node authorizer decide. There is none here: all nodes are one program.
  { name: 'system:node', role: 'system:node', subjects: [group('system:nodes')] },
  ...controllerRoles.map(({ name, namespace }) => ({
    name,
    ...(namespace === undefined ? {} : { namespace }),
    role: name,
    subjects: [account(name.slice('system:controller:'.length))],
  })),
  {
    name: 'system::extension-apiserver-authentication-reader',
    namespace: 'kube-system',
    role: 'extension-apiserver-authentication-reader',
    subjects: [user('system:kube-controller-manager'), user('system:kube-scheduler')],
  },
  leaderLock('kube-controller-manager', 'leader-election-controller'),
  leaderLock('kube-scheduler'),
];
