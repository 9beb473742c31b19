/** Commands of every installed kubectl about nodes: what is on them, and how to get it off. */
import test from 'node:test';
import { ClusterKubectl, kubectlRuns, oneMode, type KubectlStep } from './testing/kubectl-steps.ts';
import { deployment } from './testing/manifests.ts';
import { TestCluster } from './testing/test-cluster.ts';

const POD = `apiVersion: v1
kind: Pod
metadata: {name: alone}
spec:
  nodeName: node-2
  terminationGracePeriodSeconds: 0
  volumes: [{name: tmp, emptyDir: {}}]
  containers:
  - {name: c, image: host, command: [sleep, infinity], volumeMounts: [{name: tmp, mountPath: /tmp}]}
`;

const BUDGET = `apiVersion: policy/v1
kind: PodDisruptionBudget
metadata: {name: one}
spec: {minAvailable: 1, selector: {matchLabels: {app: who}}}
`;

const steps: readonly KubectlStep[] = [
  { args: 'cordon node-1', text: 'node/node-1 cordoned\n' },
  { args: 'cordon node-1', text: 'node/node-1 already cordoned\n' },
  { args: 'get node node-1 --no-headers', text: /^node-1 +Ready,SchedulingDisabled +<none> +AGE +v1\.34\.\d+\n$/ },
  { args: 'apply -f -', input: deployment({ name: 'who', replicas: 2 }), text: 'deployment.apps/who created\n' },
  { args: 'apply -f -', input: POD, text: 'pod/alone created\n' },
  { args: 'apply -f -', input: BUDGET, text: 'poddisruptionbudget.policy/one created\n' },
  { args: 'rollout status deployment/who --timeout=60s', text: /successfully rolled out\n$/ },
  { args: 'wait --for=condition=Ready pod/alone --timeout=60s', text: 'pod/alone condition met\n' },
  { args: 'get pods -o jsonpath={.items[*].spec.nodeName}', text: 'node-2 node-2 node-2' },
  { args: 'get pdb one --no-headers', text: /^one +1 +N\/A +1 +AGE\n$/, eventually: true },
  { args: 'describe node node-2', text: /^ {2}by-kubectl-\S+ +alone +0 \(0%\) +0 \(0%\) +0 \(0%\) +0 \(0%\) +AGE$/m },
  { args: 'uncordon node-1', text: 'node/node-1 uncordoned\n' },
  {
    args: 'drain node-2 --timeout=60s',
    code: 1,
    text: /cannot delete Pods with local storage \(use --delete-emptydir-data to override\): by-kubectl-\S+\/alone\n$/,
  },
  {
    // One of the two that the budget covers has to be ready elsewhere before the other one may go.
    args: 'drain node-2 --force --delete-emptydir-data --timeout=60s',
    text: /(?=[^]*evicting pod by-kubectl-\S+\/alone\n)(?=[^]*pod\/alone evicted\n)(?=[^]*pod\/who-\S+ evicted\n)[^]*node\/node-2 (?:evicted|drained)\n/,
  },
  { args: 'get pod alone', code: 1, text: 'Error from server (NotFound): pods "alone" not found\n' },
  { args: 'rollout status deployment/who --timeout=60s', text: /successfully rolled out\n$/ },
  { args: 'get pods -o jsonpath={.items[*].spec.nodeName}', text: 'node-1 node-1', eventually: true },
  { args: 'uncordon node-2', text: 'node/node-2 uncordoned\n' },
  { args: 'taint nodes node-2 k=v:NoSchedule', text: 'node/node-2 tainted\n' },
  {
    args: 'taint nodes node-2 k=v:NoSchedule',
    code: 1,
    text: /^error: (?:N|n)ode node-2 already has k taint\(s\) with same effect\(s\) and --overwrite is false\n$/,
  },
  { args: 'describe node node-2', text: /^Taints: +k=v:NoSchedule$/m },
  { args: 'taint nodes node-2 k-', text: 'node/node-2 untainted\n' },
  { args: 'taint nodes node-2 k=v:NoExecute', text: 'node/node-2 tainted\n' },
  { args: 'taint nodes node-2 k:NoExecute-', text: 'node/node-2 untainted\n' },
  { args: 'label node node-2 disk=fast', text: 'node/node-2 labeled\n' },
  { args: 'get nodes -l disk=fast -o name', text: 'node/node-2\n' },
  { args: 'label node node-2 disk-', text: /^node\/node-2 (?:un)?labeled\n$/ },
  {
    args: 'top nodes',
    text: /^NAME +CPU\(cores\) +CPU\S+ +MEMORY\(bytes\) +MEMORY\S+ *\n(node-\d +\S+ +\d+% +\d+Mi +\d+% *\n){2}$/,
  },
  { args: 'get --raw /api/v1/nodes/node-2/proxy/healthz', text: 'ok' },
  { args: 'delete deployment,pdb --all', text: /^deployment\.apps "who" deleted/ },
];

function firstAndLast<T>(all: readonly T[]): readonly T[] {
  return all.length > 2 ? [...all.slice(0, 1), ...all.slice(-1)] : all;
}

test('kubectl commands about nodes', { timeout: 280_000 }, async (t) => {
  const { mode } = oneMode();
  await using cluster = await TestCluster.start({ mode, nodes: 2 });
  // They share the nodes, so it is one after the other, and not each of many.
  for (const { binary, name } of firstAndLast(kubectlRuns())) {
    await t.test(name, async (t) => {
      const kubectl = await ClusterKubectl.create(cluster, binary);
      await kubectl.steps(t, steps);
    });
  }
});
