/** Who may do what, as kubectl asks for it and is told. */
import test from 'node:test';
import { CLIENT } from './answers/certificate-requests.ts';
import { runSession, type Step } from './testing/kubectl-session.ts';
import { installedKubectls } from './testing/kubectl.ts';
import { ListeningServer } from './testing/listening-server.ts';

const SOMEBODY = '--as=jane --as-group=dev';

const asAdmin: readonly Step[] = [
  { args: 'auth can-i * *', text: /yes\n$/ },
  {
    args: 'auth can-i --list',
    text: /^Resources +Non-Resource URLs +Resource Names +Verbs\n\*\.\* +\[\] +\[\] +\[\*\]\n +\[\*\] +\[\] +\[\*\]\n/,
  },
  { args: `auth can-i list pods ${SOMEBODY}`, code: 1, text: 'no\n' },
  {
    args: `get pods ${SOMEBODY}`,
    code: 1,
    text: 'Error from server (Forbidden): pods is forbidden: User "jane" cannot list resource "pods" in API group "" in the namespace "default"\n',
  },
  {
    args: 'create role reader --verb=get,list,watch --resource=pods',
    text: 'role.rbac.authorization.k8s.io/reader created\n',
  },
  {
    args: 'create rolebinding read --role=reader --group=dev',
    text: 'rolebinding.rbac.authorization.k8s.io/read created\n',
  },
  { args: `auth can-i list pods ${SOMEBODY}`, text: 'yes\n' },
  { args: `auth can-i list pods -n kube-system ${SOMEBODY}`, code: 1, text: 'no\n' },
  { args: 'auth can-i get /healthz --as=x', text: 'yes\n' },
  { args: 'auth can-i get /metrics --as=x', code: 1, text: 'no\n' },
  { args: 'auth can-i get pods --subresource=log --as=system:serviceaccount:default:default', code: 1, text: 'no\n' },
  { args: `get pods ${SOMEBODY}`, text: 'No resources found in default namespace.\n' },
  { args: `auth can-i --list ${SOMEBODY}`, text: /\npods +\[\] +\[\] +\[get list watch\]\n/ },
  {
    args: 'create clusterrolebinding view --clusterrole=view --serviceaccount=default:default',
    text: 'clusterrolebinding.rbac.authorization.k8s.io/view created\n',
  },
  { args: 'auth can-i get services -A --as=system:serviceaccount:default:default', text: 'yes\n' },
  {
    args: 'get rolebinding read -o wide',
    text: /^NAME +ROLE +AGE +USERS +GROUPS +SERVICEACCOUNTS\nread +Role\/reader +AGE +dev\n$/,
  },
  {
    args: 'describe clusterrole system:kube-dns',
    text: /Labels: +kubernetes\.io\/bootstrapping=rbac-defaults\n[^]*endpoints +\[\] +\[\] +\[list watch\]\n/,
  },
  {
    args: 'auth reconcile -f -',
    input:
      '{"apiVersion":"rbac.authorization.k8s.io/v1","kind":"Role","metadata":{"name":"reader","namespace":"default"},"rules":[{"apiGroups":[""],"resources":["services"],"verbs":["get"]}]}',
    text: /role\.rbac\.authorization\.k8s\.io\/reader reconciled\n/,
  },
];

const REQUEST = {
  apiVersion: 'certificates.k8s.io/v1',
  kind: 'CertificateSigningRequest',
  spec: { request: CLIENT, signerName: 'kubernetes.io/kube-apiserver-client', usages: ['client auth'] },
};
const requests = ['ann', 'bob'].map((name) => JSON.stringify({ ...REQUEST, metadata: { name } })).join('\n');

const certificates: readonly Step[] = [
  {
    args: 'create -f -',
    input: requests,
    text: 'certificatesigningrequest.certificates.k8s.io/ann created\ncertificatesigningrequest.certificates.k8s.io/bob created\n',
  },
  {
    args: 'create clusterrole approver --verb=get,list,update --resource=certificatesigningrequests,certificatesigningrequests/approval',
    text: 'clusterrole.rbac.authorization.k8s.io/approver created\n',
  },
  {
    args: 'create clusterrolebinding approver --clusterrole=approver --group=dev',
    text: 'clusterrolebinding.rbac.authorization.k8s.io/approver created\n',
  },
  {
    args: `certificate approve ann ${SOMEBODY}`,
    code: 1,
    text: /certificatesigningrequests(\.certificates\.k8s\.io)? "ann" is forbidden: user not permitted to approve requests with signerName "kubernetes.io\/kube-apiserver-client"\n$/,
  },
  { args: 'certificate approve ann', text: 'certificatesigningrequest.certificates.k8s.io/ann approved\n' },
  { args: 'certificate deny bob', text: 'certificatesigningrequest.certificates.k8s.io/bob denied\n' },
  { args: 'get csr ann', text: /^NAME +AGE +SIGNERNAME +REQUESTOR .*CONDITION\nann .* Approved\n$/ },
  { args: 'get csr bob', text: / Denied\n$/ },
];

const asJane: readonly Step[] = [
  { args: 'auth can-i list pods', text: 'yes\n' },
  { args: 'auth can-i create pods', code: 1, text: 'no\n' },
  {
    args: 'get secrets',
    code: 1,
    text: 'Error from server (Forbidden): secrets is forbidden: User "jane" cannot list resource "secrets" in API group "" in the namespace "default"\n',
  },
  {
    args: 'get pods --as=admin',
    code: 1,
    text: 'Error from server (Forbidden): users "admin" is forbidden: User "jane" cannot impersonate resource "users" in API group "" at the cluster scope\n',
  },
  {
    args: 'create rolebinding up --clusterrole=cluster-admin --user=jane',
    code: 1,
    text: 'error: failed to create rolebinding: rolebindings.rbac.authorization.k8s.io is forbidden: User "jane" cannot create resource "rolebindings" in API group "rbac.authorization.k8s.io" in the namespace "default"\n',
  },
];

for (const binary of installedKubectls()) {
  test(`what ${binary} is allowed`, async (t) => {
    await using server = await ListeningServer.start();
    await runSession(t, { binary, server, steps: [...asAdmin, ...certificates] });
    const jane = await server.authority.issue('CN=jane, O=dev');
    await runSession(t, { binary, server, steps: asJane, kubeconfig: server.kubeconfig(jane) });
    // `auth whoami` came with 1.28.
    if (!/1\.2[0-7]$/.test(binary)) {
      const whoami = {
        args: 'auth whoami',
        text: /^ATTRIBUTE +VALUE\nUsername +jane\nGroups +\[dev system:authenticated\]\nExtra: authentication\.kubernetes\.io\/credential-id +\[X509SHA256=[0-9a-f]{64}\]\n$/,
      };
      await runSession(t, { binary, server, steps: [whoami], kubeconfig: server.kubeconfig(jane) });
    }
  });
}
