import { CodedError, errorMessage } from '#base/errors.ts';
import { membersOf, type ClusterConfig } from './config.ts';
import { addMember } from './members.ts';
import { planNetwork, type NodePlan } from './network-plan.ts';

export interface NodeAddition {
  readonly config: ClusterConfig;
  readonly plan: NodePlan;
}

/** A cluster with one more node. @throws CodedError with a hint when its name will not do, or its ranges are used up. */
export function planAddition(config: ClusterConfig, asked: Parameters<typeof addMember>[1]): NodeAddition {
  const { members, added } = addMember(membersOf(config), asked);
  const grown = { ...config, members, nodes: members.length };
  const plan = plansOf(grown, added.name).find(({ name }) => name === added.name);
  if (plan === undefined) throw new RangeError(`Cannot plan node ${added.name}`);
  return { config: grown, plan };
}

/** Ranges that do for the nodes there are were no wrong choice: whoever adds one more cannot choose others. */
function plansOf(config: ClusterConfig, added: string): readonly NodePlan[] {
  try {
    return planNetwork(config).nodes;
  } catch (error) {
    throw new CodedError('ENODE', `Cannot add node ${JSON.stringify(added)}: ${errorMessage(error)}`, {
      hint: 'remove a node first, or start another cluster with a larger --pod-cidr',
      cause: error,
    });
  }
}
