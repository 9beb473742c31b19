/** Commands of every installed kubectl that need the controllers and nodes of a real cluster to come to an end. */
import test from 'node:test';
import { ClusterKubectl, kubectlRuns, oneMode, type KubectlStep } from './testing/kubectl-steps.ts';
import { TestCluster } from './testing/test-cluster.ts';

const POD = `apiVersion: v1
kind: Pod
metadata: {name: plain, labels: {app: plain}}
spec:
  terminationGracePeriodSeconds: 0
  containers:
  - {name: c, image: host, command: [sleep, infinity]}
`;

/** A first process that does not handle a signal is never ended by it, and is waited for as long as it may take. */
const ENDS_WHEN_TOLD = 'trap exit TERM; sleep infinity & wait';

const JOBS: readonly KubectlStep[] = [
  { args: 'create job three --image=host -- echo 3', text: 'job.batch/three created\n' },
  { args: 'wait --for=condition=complete job/three --timeout=60s', text: 'job.batch/three condition met\n' },
  { args: 'logs job/three', text: '3\n' },
  { args: 'get job three --no-headers', text: /^three +(?:Complete +)?1\/1 +AGE +AGE\n$/ },
  {
    args: 'describe job three',
    text: /Pods Statuses: +0 (?:Active|Running) (?:\(0 Ready\) )?\/ 1 Succeeded \/ 0 Failed\n/,
  },
  // Before, it was of batch/v1beta1.
  ...[
    {
      args: ['create', 'cronjob', 'often', '--image=host', '--schedule=*/5 * * * *', '--', 'true'],
      text: 'cronjob.batch/often created\n',
    },
    { args: 'create job by-hand --from=cronjob/often', text: 'job.batch/by-hand created\n' },
    { args: 'wait --for=condition=complete job/by-hand --timeout=60s', text: 'job.batch/by-hand condition met\n' },
    { args: 'delete cronjob often', text: /^cronjob\.batch "often" deleted/ },
    {
      args: 'get job by-hand',
      code: 1,
      text: 'Error from server (NotFound): jobs.batch "by-hand" not found\n',
      eventually: true,
    },
  ].map((step) => ({ ...step, since: 21 })),
];

const DEPLOYMENT: readonly KubectlStep[] = [
  {
    args: ['create', 'deployment', 'web', '--image=host', '--replicas=2', '--', 'sh', '-c', ENDS_WHEN_TOLD],
    text: 'deployment.apps/web created\n',
  },
  { args: 'rollout status deployment/web --timeout=60s', text: /deployment "web" successfully rolled out\n$/ },
  { args: 'wait --for=condition=Available deployment/web --timeout=60s', text: 'deployment.apps/web condition met\n' },
  {
    args: 'wait --for=jsonpath={.status.readyReplicas}=2 deployment/web --timeout=60s',
    text: 'deployment.apps/web condition met\n',
    since: 23,
  },
  { args: 'get deployment web --no-headers', text: /^web +2\/2 +2 +2 +AGE\n$/ },
  { args: 'set image deployment/web host=wrong.invalid/none', text: 'deployment.apps/web image updated\n' },
  {
    args: 'get pods --no-headers',
    text: /^web-\S+ +0\/1 +(?:ErrImagePull|ImagePullBackOff) +0 +AGE$/m,
    eventually: true,
  },
  {
    args: 'rollout status deployment/web --timeout=1s',
    code: 1,
    text: 'Waiting for deployment "web" rollout to finish: 1 out of 2 new replicas have been updated...\nerror: timed out waiting for the condition\n',
  },
  {
    args: 'rollout history deployment/web',
    text: 'deployment.apps/web\nREVISION  CHANGE-CAUSE\n1         <none>\n2         <none>\n\n',
  },
  { args: 'rollout history deployment/web --revision=2', text: /Image:\s+wrong\.invalid\/none\n/ },
  { args: 'rollout undo deployment/web', text: 'deployment.apps/web rolled back\n' },
  { args: 'rollout status deployment/web --timeout=60s', text: /deployment "web" successfully rolled out\n$/ },
  {
    args: 'rollout history deployment/web',
    text: 'deployment.apps/web\nREVISION  CHANGE-CAUSE\n2         <none>\n3         <none>\n\n',
  },
  { args: 'rollout pause deployment/web', text: 'deployment.apps/web paused\n' },
  { args: 'set env deployment/web MODE=new', text: 'deployment.apps/web env updated\n' },
  { args: 'get replicasets -o name', text: /^(?:replicaset\.apps\/web-\S+\n){2}$/ },
  { args: 'rollout resume deployment/web', text: 'deployment.apps/web resumed\n' },
  { args: 'rollout status deployment/web --timeout=60s', text: /deployment "web" successfully rolled out\n$/ },
  { args: 'exec deployment/web -- sh -c echo_$MODE', code: 127, text: /echo_new/, eventually: true },
  { args: 'rollout restart deployment/web', text: 'deployment.apps/web restarted\n' },
  { args: 'rollout status deployment/web --timeout=60s', text: /deployment "web" successfully rolled out\n$/ },
  { args: 'scale deployment/web --replicas=1', text: 'deployment.apps/web scaled\n' },
  { args: 'get deployment web --no-headers', text: /^web +1\/1 +1 +1 +AGE\n$/, eventually: true },
  {
    args: 'autoscale deployment web --min=1 --max=3 --cpu-percent=80',
    text: 'horizontalpodautoscaler.autoscaling/web autoscaled\n',
  },
  { args: 'get hpa web --no-headers', text: /^web +Deployment\/web +(?:cpu: )?<unknown>\/80% +1 +3 +[01] +AGE\n$/ },
  {
    args: 'describe deployment web',
    text: /^Replicas: +1 desired \| 1 updated \| 1 total \| 1 available \| 0 unavailable$/m,
  },
  {
    args: 'describe deployment web',
    text: /ScalingReplicaSet +(?:AGE|\S+ \(.*\)) +deployment-controller +Scaled (?:up|down) replica set web-/,
    eventually: true,
  },
  { args: 'expose deployment web --port=80 --target-port=8080', text: 'service/web exposed\n' },
  { args: 'describe service web', text: /^Endpoints: +10\.244\.\d+\.\d+:8080$/m, eventually: true },
  { args: 'events --for deployment/web', text: /ScalingReplicaSet +Deployment\/web +Scaled up replica set/, since: 26 },
  { args: 'delete deployment,service,hpa web', text: /^deployment\.apps "web" deleted/ },
  {
    args: 'wait --for=delete pod -l app=web --timeout=60s',
    text: /^(?:pod\/web-\S+ condition met\n)*(?:error: no matching resources found\n)?$/,
    since: 24,
  },
];

const PODS: readonly KubectlStep[] = [
  { args: 'apply -f -', input: POD, text: 'pod/plain created\n' },
  { args: 'wait --for=condition=Ready pod/plain --timeout=60s', text: 'pod/plain condition met\n' },
  { args: 'get pod plain --no-headers', text: /^plain +1\/1 +Running +0 +AGE\n$/ },
  {
    args: 'get pod plain -o wide --no-headers',
    text: /^plain +1\/1 +Running +0 +AGE +10\.244\.\d+\.\d+ +node-1 +<none> +<none>\n$/,
  },
  {
    args: 'describe pod plain',
    text: /^ {2}Normal +Started +AGE +kubelet +(?:spec\.containers\{c\}: )?Started container c$/m,
    eventually: true,
  },
  { args: 'diff -f -', input: POD, text: '' },
  {
    args: 'diff -f -',
    input: POD.replace('app: plain', 'app: other'),
    code: 1,
    text: /\n- +app: plain\n\+ +app: other\n/,
  },
  { args: 'edit pod plain', editor: "sed -i 's/app: plain/app: edited/'", text: 'pod/plain edited\n' },
  { args: 'edit pod plain', editor: 'true', text: 'Edit cancelled, no changes made.\n' },
  {
    args: 'edit pod plain',
    editor: 'sed -i \'s/image: host/image: ""/\'',
    code: 1,
    text: /^error: pods "plain" is invalid\nA copy of your changes has been stored to ".*"\nerror: Edit cancelled, no valid changes were saved\.\n$/,
  },
  { args: 'get pod plain --show-labels --no-headers', text: /app=edited\n$/ },
  { args: 'label pod plain app-', text: /^pod\/plain (?:un)?labeled\n$/ },
  { args: 'annotate pod plain note=one', text: /^pod\/plain annotated?\n$/ },
  {
    args: 'annotate pod plain note=two',
    code: 1,
    text: /^error: (?:--overwrite is false but found the following declared annotation\(s\): )?'note' already has a value \(one\)(?:, and --overwrite is false)?\n$/,
  },
  { args: ['patch', 'pod', 'plain', '-p', '{"metadata":{"labels":{"by":"patch"}}}'], text: 'pod/plain patched\n' },
  { args: 'replace --force -f -', input: POD, text: /^pod "plain" deleted.*\npod\/plain replaced\n$/ },
  { args: 'wait --for=condition=Ready pod/plain --timeout=60s', text: 'pod/plain condition met\n' },
  { args: 'delete pod plain', text: /^pod "plain" deleted/ },
  { args: 'run quick --image=host --restart=Never -i --rm --quiet -- cat', input: 'through\n', text: /^through\n/ },
  {
    args: [
      'run',
      'fails',
      '--image=host',
      '--restart=Never',
      '-i',
      '--rm',
      '--quiet',
      '--',
      'sh',
      '-c',
      'read x; exit 3',
    ],
    input: 'x\n',
    code: 3,
    text: /terminated \(Error\)\n$/,
  },
  { args: 'get pods --no-headers', text: /^(?!quick|fails)/, eventually: true },
];

const REST: readonly KubectlStep[] = [
  { args: 'create configmap c --from-literal=a=b', text: 'configmap/c created\n' },
  { args: 'create secret generic s --from-literal=a=b', text: 'secret/s created\n' },
  { args: 'describe secret s', text: /\na: +1 bytes\n/ },
  { args: 'create service clusterip plain --tcp=80:80', text: 'service/plain created\n' },
  { args: 'create token default', text: /^[\w-]+\.[\w-]+\.[\w-]+$/, since: 24 },
  { args: 'auth whoami', text: /^Username +kubernetes-admin$/m, since: 28 },
  { args: 'auth can-i create deployments', text: 'yes\n' },
  { args: 'get all', text: /^service\/plain +ClusterIP +10\.\d+\.\d+\.\d+ +<none> +80\/TCP +AGE$/m },
  { args: 'config get-contexts -o name', text: 'clusterip-default\n' },
  { args: 'config view --minify -o jsonpath={.contexts[0].context.user}', text: 'clusterip-default' },
];

test('kubectl commands that a real cluster carries out', { timeout: 280_000, concurrency: true }, async (t) => {
  const { mode } = oneMode();
  await using cluster = await TestCluster.start({ mode });
  // Each has a namespace of its own, and most of the time is waiting.
  await Promise.all(
    kubectlRuns().map(({ binary, name }) =>
      t.test(name, async (t) => {
        const kubectl = await ClusterKubectl.create(cluster, binary);
        for (const steps of [JOBS, DEPLOYMENT, PODS, REST]) await kubectl.steps(t, steps);
        await kubectl.steps(t, [
          { args: `delete namespace ${kubectl.namespace}`, text: /^namespace "by-kubectl-\S+" deleted\n/ },
        ]);
      }),
    ),
  );
});
