import type { Pod } from '#api/generated/types.ts';
import { viewAffinity } from './affinity.ts';
import type { ClaimView } from './claims.ts';
import { demandOf } from '#api/pod/demand.ts';
import { type Applicant, refusalOf } from './fit.ts';
import type { Candidate } from './node-load.ts';
import type { Refusal } from './refusal.ts';
import { bestNode } from './score.ts';
import { viewSpread } from './spread.ts';
import type { NamespaceLabels } from './topology.ts';

export interface Surroundings {
  readonly candidates: readonly Candidate[];
  readonly labelsOf: NamespaceLabels;
}

export interface Placement {
  readonly chosen: Candidate | undefined;
  /** In the order of the candidates; undefined where the Pod may go. */
  readonly refusals: readonly (Refusal | undefined)[];
}

export function applicantFor(pod: Pod, claims: ClaimView, { candidates, labelsOf }: Surroundings): Applicant {
  return {
    pod,
    demand: demandOf(pod),
    claims,
    affinity: viewAffinity(pod, candidates, labelsOf),
    spread: viewSpread(pod, candidates),
  };
}

/** Where the Pod goes. The node for which others were pushed out is taken when it will do. */
export function place(pod: Pod, claims: ClaimView, around: Surroundings): Placement {
  const { candidates } = around;
  const applicant = applicantFor(pod, claims, around);
  const refusals = candidates.map((candidate) => refusalOf(applicant, candidate));
  const fitting = candidates.filter((_, i) => refusals[i] === undefined);
  const { nominatedNodeName } = pod.status ?? {};
  const nominated = fitting.find(({ node }) => node.metadata.name === nominatedNodeName);
  return { chosen: nominated ?? bestNode(applicant, fitting), refusals };
}
