import { CodedError } from '#base/errors.ts';
import type { Client } from '#client/client.ts';
import { type ClusterConfig, membersOf } from './config.ts';
import type { ControlRequest, ListedNode, NodeRequest } from './control.ts';
import { forgetNode } from './forget-node.ts';
import type { NodeMember } from './members.ts';
import { type NodePlan, planNetwork } from './network-plan.ts';
import { planAddition } from './node-addition.ts';
import type { NodesWorkerCall, NodeSockets, ServicesWorkerCall } from './worker-message.ts';
import type { Workers } from './workers.ts';

export interface NodeControlOptions {
  readonly config: ClusterConfig;
  readonly workers: Workers;
  readonly client: Client;
  /** For the next start. */
  readonly save: (config: ClusterConfig) => void;
}

/** Images and nodes of a running cluster. Nodes are added, removed, and switched off and on one after the other. */
export class NodeControl {
  readonly #options: NodeControlOptions;
  #config: ClusterConfig;
  readonly #stopped = new Set<string>();
  #last: Promise<unknown> = Promise.resolve();

  constructor(options: NodeControlOptions) {
    this.#options = options;
    this.#config = options.config;
  }

  handle(request: ControlRequest): Promise<unknown> {
    if (request.kind === 'image-remove' || request.kind === 'image-prune') return this.#onNodes(request);
    const work = this.#last.then(() => this.#handle(request));
    this.#last = work.catch(() => {});
    return work;
  }

  /** @throws what the kernel would say to a connection to a node that is off. */
  checkReachable(name: string): void {
    if (!this.#stopped.has(name)) return;
    const address = this.#plans.find((plan) => plan.name === name)?.addresses[0] ?? name;
    throw new Error(`dial tcp ${address}:10250: connect: no route to host`);
  }

  get #plans(): readonly NodePlan[] {
    return planNetwork(this.#config).nodes;
  }

  async #handle(request: NodeRequest): Promise<unknown> {
    switch (request.kind) {
      case 'node-list':
        return this.#plans.map((plan) => this.#listed(plan));
      case 'node-add':
        return this.#add(request.name, request.labels);
      case 'node-remove':
        return this.#each(request.names, (name) => this.#remove(name));
      case 'node-stop':
        return this.#each(request.names, (name) => this.#stop(name));
      case 'node-start':
        return this.#each(request.names, (name) => this.#start(name));
    }
  }

  async #each(names: readonly string[], work: (name: string) => Promise<void>): Promise<readonly string[]> {
    const unknown = names.find((name) => !this.#plans.some((plan) => plan.name === name));
    if (unknown !== undefined) {
      throw new CodedError('ENONODE', `Cannot find node ${JSON.stringify(unknown)}`, {
        hint: 'see clusterip node list',
      });
    }
    for (const name of names) await work(name);
    return names;
  }

  #listed({ name, addresses, podCidrs, labels }: NodePlan): ListedNode {
    return { name, status: this.#stopped.has(name) ? 'stopped' : 'running', addresses, podCidrs, labels };
  }

  async #add(name: string | undefined, labels: NodeMember['labels']): Promise<ListedNode> {
    const { config, plan } = planAddition(this.#config, { name, labels });
    const node = (await this.#onNodes({ kind: 'node-build', plan })) as NodeSockets;
    await this.#onServices({ kind: 'node-add', node });
    await this.#onNodes({ kind: 'node-start', name: plan.name });
    this.#save(config);
    return this.#listed(plan);
  }

  async #remove(name: string): Promise<void> {
    const members = membersOf(this.#config).filter((member) => member.name !== name);
    if (members.length === 0) {
      throw new CodedError('ENODE', `Cannot remove node ${JSON.stringify(name)}: it is the last one`, {
        hint: 'end the cluster with clusterip down',
      });
    }
    await this.#onServices({ kind: 'node-remove', name });
    await this.#onNodes({ kind: 'node-remove', name });
    this.#stopped.delete(name);
    this.#save({ ...this.#config, members, nodes: members.length });
    await forgetNode(this.#options.client, name);
  }

  async #stop(name: string): Promise<void> {
    await this.#onNodes({ kind: 'node-stop', name });
    this.#stopped.add(name);
  }

  async #start(name: string): Promise<void> {
    await this.#onNodes({ kind: 'node-start', name });
    this.#stopped.delete(name);
  }

  #save(config: ClusterConfig): void {
    this.#config = config;
    this.#options.save(config);
  }

  #onNodes(call: NodesWorkerCall): Promise<unknown> {
    return this.#options.workers.nodes.call((id) => ({ kind: 'call', id, call }));
  }

  #onServices(call: ServicesWorkerCall): Promise<unknown> {
    return this.#options.workers.services.call((id) => ({ kind: 'call', id, call }));
  }
}
