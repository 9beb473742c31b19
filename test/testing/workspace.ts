import assert from 'node:assert/strict';
import { spawn, type ChildProcessWithoutNullStreams } from 'node:child_process';
import { prefix } from './mode.ts';
import type { Finished } from './run.ts';
import type { TestCluster } from './test-cluster.ts';
import { eventually } from './traffic.ts';

/** A namespace of a test's own on a cluster that others use too, and kubectl in it. */
export class Workspace {
  readonly cluster: TestCluster;
  readonly namespace: string;

  private constructor(cluster: TestCluster, namespace: string) {
    this.cluster = cluster;
    this.namespace = namespace;
  }

  static async make(cluster: TestCluster, namespace: string): Promise<Workspace> {
    await cluster.kubectl('create', 'namespace', namespace);
    return new Workspace(cluster, namespace);
  }

  try(args: readonly string[], input?: string): Promise<Finished> {
    return this.cluster.try(['-n', this.namespace, ...args], input);
  }

  /** Must succeed; resolves to its standard output. */
  async kubectl(...args: readonly string[]): Promise<string> {
    const done = await this.try(args);
    assert.equal(done.code, 0, `kubectl ${args.join(' ')}: ${done.stdout}${done.stderr}`);
    return done.stdout;
  }

  async apply(...objects: readonly object[]): Promise<string> {
    const list = JSON.stringify({ apiVersion: 'v1', kind: 'List', items: objects });
    const done = await this.try(['apply', '-f', '-'], list);
    assert.equal(done.code, 0, `kubectl apply: ${done.stdout}${done.stderr}`);
    return done.stdout;
  }

  /** `get TARGET... -o jsonpath=PATH`; empty while there is none. */
  async get(path: string, ...target: readonly string[]): Promise<string> {
    return (await this.try(['get', ...target, '-o', `jsonpath=${path}`])).stdout;
  }

  /** Waits until `get` answers so. */
  until(wanted: string, path: string, ...target: readonly string[]): Promise<void> {
    return eventually(`${target.join(' ')} ${path}`, wanted, () => this.get(path, ...target), 60);
  }

  /** Waits for a condition that `kubectl wait --for` knows. */
  async wait(condition: string, ...targets: readonly string[]): Promise<void> {
    await this.kubectl('wait', `--for=${condition}`, '--timeout=60s', ...targets);
  }

  /** `TYPE REASON MESSAGE` of what happened to an object, in the order in which `kubectl describe` shows it. */
  async events(name: string): Promise<readonly string[]> {
    const path = '{range .items[*]}{.type} {.reason} {.message}{"\\n"}{end}';
    return (await this.get(path, 'events', `--field-selector=involvedObject.name=${name}`)).trimEnd().split('\n');
  }

  /** Waits until the pattern is in an event of the object. */
  async happened(name: string, pattern: RegExp): Promise<void> {
    let all: readonly string[] = [];
    await eventually(
      `${pattern} of ${name}`,
      true,
      async () => {
        all = await this.events(name);
        return all.some((event) => pattern.test(event));
      },
      60,
    ).catch((error: unknown) => assert.fail(`${String(error)}\n${all.join('\n')}`));
  }

  /** Starts kubectl and leaves the rest to the caller. */
  start(...args: readonly string[]): ChildProcessWithoutNullStreams {
    const { mode, home, kubectlBinary } = this.cluster;
    const [program = '', ...rest] = [...prefix(mode), kubectlBinary, '-n', this.namespace, ...args];
    return spawn(program, rest, { env: home.env() });
  }
}

/** A container of the image host that ends when it is told to. */
export function polite(more: object = {}): object {
  return { name: 'c', image: 'host', command: ['sh', '-c', 'trap exit TERM; sleep infinity & wait'], ...more };
}

export function podOf(name: string, spec: object, metadata: object = {}): object {
  return {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: { name, ...metadata },
    spec: { terminationGracePeriodSeconds: 1, containers: [polite()], ...spec },
  };
}

/** A Deployment, ReplicaSet, StatefulSet, DaemonSet or Job of `apiVersion` with the label `app=NAME` on its Pods. */
export function workload(apiVersion: string, kind: string, name: string, spec: object, pod: object = {}): object {
  const labels = { app: name };
  const template = {
    metadata: { labels },
    spec: { terminationGracePeriodSeconds: 1, containers: [polite()], ...pod },
  };
  const selector = kind === 'ReplicationController' ? labels : { matchLabels: labels };
  return {
    apiVersion,
    kind,
    metadata: { name },
    spec: { ...(kind === 'Job' ? {} : { selector }), template, ...spec },
  };
}
