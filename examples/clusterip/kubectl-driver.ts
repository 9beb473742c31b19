import { spawnSync } from 'node:child_process';
import type { Driver } from './driver.ts';

/** Runs the kubectl of PATH and prints each command before it runs. */
export function kubectlDriver(context: string, say: (text: string) => void): Driver {
  const kubectl = (args: readonly string[], input?: string): string => {
    const done = spawnSync('kubectl', ['--context', context, ...args], { encoding: 'utf8', input: input ?? '' });
    if (done.status !== 0) throw new Error(`kubectl ${args.join(' ')}: ${done.stderr.trim()}`);
    return done.stdout;
  };
  const shown = (args: readonly string[]): void => {
    say(`\n$ kubectl ${args.join(' ')}`);
    say(kubectl(args).trimEnd());
  };
  return {
    async apply(source, manifest) {
      say(source.startsWith('sed') ? `\n$ ${source} | kubectl apply -f -` : `\n$ kubectl apply -f ${source}`);
      say(kubectl(['apply', '-f', '-'], manifest).trimEnd());
    },
    async ready(deployment, pod) {
      shown(['rollout', 'status', `deployment/${deployment}`, '--timeout=60s']);
      shown(['wait', '--for=condition=Ready', `pod/${pod}`, '--timeout=60s']);
    },
    async clusterIp(service) {
      return kubectl(['get', 'service', service, '-o', 'jsonpath={.spec.clusterIP}']);
    },
    async exec(pod, command) {
      return kubectl(['exec', pod, '--', ...command]);
    },
    async show() {
      shown(['get', 'service', 'api-svc', '-o', 'wide']);
      shown(['get', 'endpointslices', '-l', 'kubernetes.io/service-name=api-svc']);
      shown(['get', 'pods', '-o', 'wide']);
    },
  };
}
