import assert from 'node:assert/strict';
import test from 'node:test';
import { systemClock } from '#base/clock.ts';
import { runSession, words, type Step } from './testing/kubectl-session.ts';
import { installedKubectls, Kubectl } from './testing/kubectl.ts';
import { ListeningServer } from './testing/listening-server.ts';

const SERVICE = `apiVersion: v1
kind: Service
metadata:
  name: api-svc
spec:
  clusterIP: 10.96.0.77
  selector:
    app: web
  ports:
    - port: 80
`;

const DEPLOYMENT = '/apis/apps/v1/namespaces/default/deployments/web';
const NODES = '/api/v1/nodes';

/** One session, from an empty cluster on: each step sees what those before it left. */
const steps: readonly Step[] = [
  { args: 'get pods', text: 'No resources found in default namespace.\n' },
  {
    args: 'get componentstatuses',
    text: /^NAME +STATUS +MESSAGE +ERROR\ncontroller-manager +Healthy +ok\netcd-0 +Healthy +ok\nscheduler +Healthy +ok\nWarning: v1 ComponentStatus is deprecated in v1\.19\+\n$/,
  },
  {
    args: 'get apiservices v1.apps v1.',
    text: /^NAME +SERVICE +AVAILABLE +AGE\nv1\.apps +Local +True +.*\nv1\. +Local +True +.*\n$/,
  },
  { args: 'get cs etcd-0 -o jsonpath={.conditions[0].type}', text: /^Healthy/ },
  {
    args: 'create deployment web --image=host --replicas=2 -- python3 -m http.server 80',
    text: 'deployment.apps/web created\n',
  },
  {
    args: 'create deployment web --image=host',
    code: 1,
    text: 'error: failed to create deployment: deployments.apps "web" already exists\n',
  },
  {
    args: 'get deployments',
    text: 'NAME   READY   UP-TO-DATE   AVAILABLE   AGE\nweb    0/2     0            0           AGE\n',
  },
  {
    args: 'get deployment web -o wide',
    text:
      'NAME   READY   UP-TO-DATE   AVAILABLE   AGE   CONTAINERS   IMAGES   SELECTOR\n' +
      'web    0/2     0            0           AGE    host         host     app=web\n',
  },
  { args: 'get deploy web -o name', text: 'deployment.apps/web\n' },
  {
    args: 'get deploy web -o jsonpath={.spec.strategy.rollingUpdate}',
    text: '{"maxSurge":"25%","maxUnavailable":"25%"}',
  },
  { args: 'scale deployment web --replicas=3', text: 'deployment.apps/web scaled\n' },
  { args: 'scale deployment web --replicas=2 --current-replicas=3', text: 'deployment.apps/web scaled\n' },
  { args: 'set image deployment/web host=other', text: 'deployment.apps/web image updated\n' },
  { args: 'rollout restart deployment web', text: 'deployment.apps/web restarted\n' },
  {
    before: (server) =>
      server.test.patch(`${DEPLOYMENT}/status`, 'merge', {
        status: { observedGeneration: 9, replicas: 2, updatedReplicas: 2, readyReplicas: 2, availableReplicas: 2 },
      }),
    args: 'rollout status deployment web',
    text: 'deployment "web" successfully rolled out\n',
  },
  {
    before: (server) =>
      server.test.patch(`${DEPLOYMENT}/status`, 'merge', {
        status: { conditions: [{ type: 'Available', status: 'True' }] },
      }),
    args: 'wait deployment/web --for=condition=Available --timeout=10s',
    text: 'deployment.apps/web condition met\n',
  },
  { args: 'apply -f -', input: SERVICE, text: 'service/api-svc created\n' },
  { args: 'apply -f -', input: SERVICE, text: 'service/api-svc unchanged\n' },
  { args: 'apply -f -', input: SERVICE.replace('app: web', 'app: other'), text: 'service/api-svc configured\n' },
  {
    args: 'apply -f -',
    input: SERVICE.replace('10.96.0.77', '10.96.0.78'),
    code: 1,
    text: /The Service "api-svc" is invalid: spec\.clusterIPs\[0\]: Invalid value: \["10\.96\.0\.78"\]: may not change once set\n$/,
  },
  {
    args: 'apply -f -',
    input: SERVICE.replace('selector', 'selektor'),
    code: 1,
    text: /^The request is invalid: patch: Invalid value: .*: strict decoding error: unknown field "spec\.selektor"\n$/s,
  },
  {
    args: 'get service api-svc',
    text: 'NAME      TYPE        CLUSTER-IP   EXTERNAL-IP   PORT(S)   AGE\napi-svc   ClusterIP   10.96.0.77   <none>        80/TCP    AGE\n',
  },
  {
    args: 'get service api-svc -o wide',
    text:
      'NAME      TYPE        CLUSTER-IP   EXTERNAL-IP   PORT(S)   AGE   SELECTOR\n' +
      'api-svc   ClusterIP   10.96.0.77   <none>        80/TCP    AGE    app=other\n',
  },
  {
    args: 'describe service api-svc',
    text: /^Name: +api-svc\nNamespace: +default\nLabels: +<none>\nAnnotations: +<none>\nSelector: +app=other\nType: +ClusterIP\nIP Family Policy: +SingleStack\nIP Families: +IPv4\nIP: +10\.96\.0\.77\nIPs: +10\.96\.0\.77\nPort: +<unset> +80\/TCP\nTargetPort: +80\/TCP\nEndpoints: +<none>\nSession Affinity: +None\n(?:Internal Traffic Policy: +Cluster\n)?Events: +<none>\n(?:Warning: v1 Endpoints is deprecated.*\n)?$/,
  },
  { args: 'label service api-svc tier=front', text: 'service/api-svc labeled\n' },
  { args: 'label service api-svc tier=front', text: /^service\/api-svc not labeled\n$/ },
  { args: 'annotate service api-svc note=x', text: /^service\/api-svc annotated?\n$/ },
  { args: 'get services -l tier=front -o name', text: 'service/api-svc\n' },
  { args: 'get services --field-selector=spec.type=NodePort', text: 'No resources found in default namespace.\n' },
  {
    args: 'patch service api-svc --type=json -p [{"op":"remove","path":"/metadata/labels/tier"}]',
    text: 'service/api-svc patched\n',
  },
  { args: 'patch service api-svc -p {"spec":{"sessionAffinity":"ClientIP"}}', text: 'service/api-svc patched\n' },
  { args: 'expose deployment web --port=80 --name=web', text: 'service/web exposed\n' },
  { args: 'create service clusterip plain --tcp=80:80', text: 'service/plain created\n' },
  {
    args: 'create service clusterip plain2 --clusterip=10.96.0.77 --tcp=80:80',
    code: 1,
    text: /failed to allocate IP 10\.96\.0\.77: provided IP is already allocated\n$/,
  },
  { args: 'create service clusterip dry --tcp=80:80 --dry-run=server', text: 'service/dry created (server dry run)\n' },
  { args: 'get service dry', code: 1, text: 'Error from server (NotFound): services "dry" not found\n' },
  { args: 'get services -o name --chunk-size=1', text: 'service/api-svc\nservice/plain\nservice/web\n' },
  { args: 'create configmap c --from-literal=a=b', text: 'configmap/c created\n' },
  { args: 'get configmaps,secrets -o name', text: 'configmap/c\n' },
  {
    args: 'replace -f -',
    input: 'apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: c\ndata:\n  a: c\n',
    text: 'configmap/c replaced\n',
  },
  {
    args: 'diff -f -',
    input: 'apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: c\ndata:\n  a: d\n',
    code: 1,
    text: /\n- {2}a: c\n\+ {2}a: d\n/,
  },
  { args: 'run frontend --image=host -- sleep infinity', text: 'pod/frontend created\n' },
  {
    args: 'get pods',
    text: 'NAME       READY   STATUS    RESTARTS   AGE\nfrontend   0/1     Pending   0          AGE\n',
  },
  { args: 'logs frontend', text: '' },
  {
    args: 'exec frontend -- true',
    code: 1,
    text: /^(?:Error from server \(BadRequest\)|error: unable to upgrade connection): pod frontend does not have a host assigned\n$/,
  },
  {
    args: 'wait pod/frontend --for=jsonpath={.status.phase}=Pending --timeout=10s',
    text: 'pod/frontend condition met\n',
  },
  {
    args: 'explain service.spec.clusterIP',
    text: /KIND: +Service\nVERSION: +v1\n\nFIELD: +clusterIP <string>\n/,
  },
  { args: 'api-resources --api-group=discovery.k8s.io -o name', text: 'endpointslices.discovery.k8s.io\n' },
  { args: 'auth can-i create pods', text: 'yes\n' },
  { args: 'create token default', text: /^[\w-]+\.[\w-]+\.[\w-]+$/ },
  {
    before: (server) => server.test.post(NODES, { metadata: { name: 'n1' } }),
    args: 'cordon n1',
    text: 'node/n1 cordoned\n',
  },
  { args: 'get nodes', text: /^NAME +STATUS +ROLES +AGE +VERSION *\nn1 +\S*SchedulingDisabled +<none> +AGE *\n$/ },
  { args: 'taint nodes n1 k=v:NoSchedule', text: 'node/n1 tainted\n' },
  { args: 'delete pod frontend', text: /^pod "frontend" deleted/ },
  {
    args: 'delete deployment,service --all',
    text: /^deployment\.apps "web" deleted.*\nservice "api-svc" deleted.*\nservice "plain" deleted.*\nservice "web" deleted.*\n$/,
  },
  { args: 'delete service web', code: 1, text: 'Error from server (NotFound): services "web" not found\n' },
  {
    args: 'delete namespace default',
    code: 1,
    text: /Error from server \(Forbidden\): namespaces "default" is forbidden: this namespace may not be deleted\n$/,
  },
  { args: 'get all', text: 'No resources found in default namespace.\n' },
];

for (const binary of installedKubectls()) {
  test(`a session of ${binary}`, async (t) => {
    await using server = await ListeningServer.start();
    await runSession(t, { binary, server, steps });
  });

  test(`get --watch of ${binary}`, async () => {
    await using server = await ListeningServer.start();
    using kubectl = new Kubectl(binary, server.kubeconfig());
    const path = '/api/v1/namespaces/default/configmaps';
    await server.test.post(path, { metadata: { name: 'a' } });
    const watching = kubectl.run(words('get configmaps --watch --output-watch-events'), { until: /\nDELETED +b .*\n/ });
    const seen = new AbortController();
    const marked = watching.finally(() => seen.abort());
    // Nobody tells when kubectl has begun to watch: things happen until it has seen one.
    while (!seen.signal.aborted) {
      await server.test.post(path, { metadata: { name: 'b' } });
      await server.test.delete(`${path}/b`);
      await systemClock.sleep(10);
    }
    const { text } = await marked;
    assert.match(text, /^EVENT +NAME +DATA +AGE\n/);
    assert.match(text, /\nDELETED +b +0 +/);
  });
}
