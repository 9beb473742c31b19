/** The commands of kubectl that `kubectl.test.ts` and `kubectl-auth.test.ts` leave out, as far as they need no node. */
import assert from 'node:assert/strict';
import test from 'node:test';
import { runSession, type Step } from './testing/kubectl-session.ts';
import { installedKubectls, Kubectl } from './testing/kubectl.ts';
import { ListeningServer } from './testing/listening-server.ts';
import { bodyOf } from './testing/test-server.ts';

const DEFAULT = '/api/v1/namespaces/default';
const APPS = '/apis/apps/v1/namespaces/default';

interface Workload {
  readonly metadata: { readonly uid: string };
  readonly spec: { readonly selector: object; readonly template: { readonly metadata: object; readonly spec: object } };
}

/** What the deployment controller makes of two revisions of a Deployment. */
async function withRevisions({ test }: ListeningServer): Promise<void> {
  const { metadata, spec } = bodyOf<Workload>(await test.get(`${APPS}/deployments/web`));
  const owner = { apiVersion: 'apps/v1', kind: 'Deployment', name: 'web', uid: metadata.uid, controller: true };
  for (const [revision, image] of [
    ['1', 'host'],
    ['2', 'other'],
  ] as const) {
    const labels = { app: 'web', 'pod-template-hash': revision };
    const containers = [{ name: 'host', image }];
    await test.post(`${APPS}/replicasets`, {
      metadata: {
        name: `web-${revision}`,
        labels,
        annotations: { 'deployment.kubernetes.io/revision': revision },
        ownerReferences: [owner],
      },
      spec: {
        replicas: 0,
        selector: { matchLabels: labels },
        template: { metadata: { labels }, spec: { ...spec.template.spec, containers } },
      },
    });
  }
  await test.patch(`${APPS}/deployments/web`, 'merge', {
    metadata: { annotations: { 'deployment.kubernetes.io/revision': '2' } },
  });
}

async function withNode({ test }: ListeningServer): Promise<void> {
  await test.post('/api/v1/nodes', { metadata: { name: 'n1' } });
  const spec = { nodeName: 'n1', containers: [{ name: 'c', image: 'host' }] };
  await test.post(`${DEFAULT}/pods`, { metadata: { name: 'done' }, spec });
  await test.patch(`${DEFAULT}/pods/done/status`, 'merge', { status: { phase: 'Succeeded' } });
}

function withEvent({ test }: ListeningServer): Promise<unknown> {
  return test.post(`${DEFAULT}/events`, {
    metadata: { name: 'e' },
    involvedObject: { apiVersion: 'v1', kind: 'Pod', name: 'frontend', namespace: 'default' },
    reason: 'Tested',
    message: 'it was',
    type: 'Normal',
    firstTimestamp: '2026-01-01T00:00:00Z',
    lastTimestamp: '2026-01-01T00:00:00Z',
  });
}

const created: readonly (readonly [string, string])[] = [
  ['create deployment web --image=host', 'deployment.apps/web'],
  ['create secret generic s --from-literal=a=b', 'secret/s'],
  ['create secret tls t --dry-run=client --cert=/dev/null --key=/dev/null', ''],
  ['create job j --image=host -- true', 'job.batch/j'],
  ['create cronjob cj --image=host --schedule=*/5_*_*_*_* -- true', ''],
  ['create ingress i --rule=foo.com/bar=svc1:8080', 'ingress.networking.k8s.io/i'],
  ['create namespace other', 'namespace/other'],
  ['create serviceaccount sa', 'serviceaccount/sa'],
  ['create quota q --hard=pods=100', 'resourcequota/q'],
  ['create priorityclass p --value=7', 'priorityclass.scheduling.k8s.io/p'],
  ['create poddisruptionbudget b --selector=app=none --min-available=1', 'poddisruptionbudget.policy/b'],
  ['create clusterrole cr --verb=get --resource=pods', 'clusterrole.rbac.authorization.k8s.io/cr'],
  ['create service nodeport np --tcp=80', 'service/np'],
  ['create service loadbalancer lb --tcp=80', 'service/lb'],
  ['create service externalname en --external-name=example.com', 'service/en'],
  ['run frontend --image=host -- sleep infinity', 'pod/frontend'],
];

const steps: readonly Step[] = [
  ...created.filter(([, name]) => name !== '').map(([args, name]) => ({ args, text: `${name} created\n` })),
  { args: 'edit configmap none', code: 1, text: 'Error from server (NotFound): configmaps "none" not found\n' },
  {
    args: 'edit serviceaccount sa',
    editor: "sed -i 's/^  name: sa/  name: sa\\n  labels:\\n    edited: by-hand/'",
    text: 'serviceaccount/sa edited\n',
  },
  { args: 'get serviceaccounts -l edited=by-hand -o name', text: 'serviceaccount/sa\n' },
  { args: 'set env deployment/web A=b', text: 'deployment.apps/web env updated\n' },
  { args: 'set env deployment/web --list', text: '# Deployment web, container host\nA=b\n' },
  {
    args: 'set resources deployment web --limits=cpu=100m',
    text: 'deployment.apps/web resource requirements updated\n',
  },
  { args: 'set serviceaccount deployment web sa', text: 'deployment.apps/web serviceaccount updated\n' },
  { args: 'set selector service np app=web', text: 'service/np selector updated\n' },
  {
    before: withRevisions,
    args: 'rollout history deployment/web',
    text: /^deployment\.apps\/web\s+REVISION +CHANGE-CAUSE\n1 +<none>\n2 +<none>\n/,
  },
  { args: 'rollout history deployment/web --revision=1', text: /Image:\s+host\n/ },
  { args: 'rollout undo deployment/web', text: 'deployment.apps/web rolled back\n' },
  { args: 'get deployment web -o jsonpath={.spec.template.spec.containers[0].image}', text: 'host' },
  { args: 'rollout pause deployment/web', text: 'deployment.apps/web paused\n' },
  { args: 'rollout resume deployment/web', text: 'deployment.apps/web resumed\n' },
  { args: 'wait --for=delete pod/gone --timeout=5s', text: /^$|NotFound/ },
  {
    args: 'attach frontend',
    code: 1,
    text: /pod frontend does not have a host assigned|is not running|unable to upgrade/,
  },
  { args: 'cp frontend:/etc/hostname /dev/null', code: 1, text: /pod frontend does not have a host assigned/ },
  {
    args: 'port-forward pod/frontend 0:80',
    code: 1,
    text: /^error: unable to forward port because pod is not running\. Current status=Pending\n$/,
  },
  { args: 'debug frontend --image=host -c dbg -- true', text: /^$|deprecated/ },
  { args: 'get pod frontend -o jsonpath={.spec.ephemeralContainers[*].name}', text: 'dbg' },
  { args: 'debug frontend --copy-to=copy --image=host -c dbg -- true', text: /^$|deprecated/ },
  {
    before: withEvent,
    args: 'events',
    text: /^LAST SEEN +TYPE +REASON +OBJECT +MESSAGE\n\S+ +Normal +Tested +Pod\/frontend +it was\n$/,
  },
  { args: 'events --for pod/frontend', text: /Tested/ },
  {
    args: 'get events',
    text: /^LAST SEEN +TYPE +REASON +OBJECT +MESSAGE\n\S+ +Normal +Tested +pod\/frontend +it was\n$/,
  },
  { args: 'top pods', code: 1, text: 'error: metrics not available yet\n' },
  { args: 'top nodes', code: 1, text: 'error: metrics not available yet\n' },
  { args: 'config current-context', text: 'test\n' },
  { args: 'config view -o jsonpath={.contexts[0].name}', text: 'test' },
  { args: 'cluster-info', text: /Kubernetes control plane.* is running at .*https:\/\/127\.0\.0\.1:\d+/ },
  { args: 'api-versions', text: /\nrbac\.authorization\.k8s\.io\/v1\n[^]*\nv1\n$/ },
  {
    args: 'api-resources --verbs=create --namespaced -o name',
    text: /^bindings\n[^]*localsubjectaccessreviews\.authorization\.k8s\.io\n/,
  },
  { args: 'version', text: /Server Version: v1\.34\.2\n|GitVersion:"v1\.34\.2"/ },
  { args: 'explain pods.spec.containers --recursive', text: /FIELD[^]*\n +image\t<string>\n/ },
  { before: withNode, args: 'drain n1 --force', text: /^node\/n1 cordoned\n[^]*node\/n1 drained\n/ },
  { args: 'get pod done', code: 1, text: 'Error from server (NotFound): pods "done" not found\n' },
  { args: 'uncordon n1', text: 'node/n1 uncordoned\n' },
  { args: 'taint nodes n1 k=v:NoSchedule', text: 'node/n1 tainted\n' },
  { args: 'taint nodes n1 k:NoSchedule-', text: 'node/n1 untainted\n' },
  { args: 'get --raw /readyz', text: 'ok' },
  { args: 'delete namespace other --wait=false', text: /^namespace "other" deleted\n$/ },
  { args: 'delete job,hpa,ingress,quota,pdb,secret --all', text: /^job\.batch "j" deleted/ },
];

for (const binary of installedKubectls()) {
  test(`more commands of ${binary}`, async (t) => {
    await using server = await ListeningServer.start();
    await runSession(t, { binary, server, steps });
  });

  test(`proxy of ${binary}`, async () => {
    await using server = await ListeningServer.start();
    using kubectl = new Kubectl(binary, server.kubeconfig());
    const proxy = kubectl.start(['proxy', '--port=0']);
    try {
      let said = '';
      for await (const chunk of proxy.stdout as AsyncIterable<Buffer>) {
        said += chunk.toString();
        if (said.includes('\n')) break;
      }
      const port = /^Starting to serve on 127\.0\.0\.1:(\d+)\n$/.exec(said)?.[1];
      const answer = await fetch(`http://127.0.0.1:${port}/api/v1/namespaces/default`);
      assert.equal(((await answer.json()) as { kind: string }).kind, 'Namespace');
    } finally {
      proxy.kill();
    }
  });
}
