import type * as t from '../generated/types.ts';

/**
 * Turns `matchLabelKeys` and `mismatchLabelKeys` into what they stand for: the values that the Pod itself has at birth, as
 * part of the selector. So each revision of a template is spread, and kept together or apart, by itself (KEP-3633, KEP-3243).
 */
export function withOwnLabelKeys(pod: t.Pod): t.Pod {
  const { affinity, topologySpreadConstraints } = pod.spec;
  if (affinity === undefined && topologySpreadConstraints === undefined) return pod;
  const labels = pod.metadata.labels ?? {};
  return {
    ...pod,
    spec: {
      ...pod.spec,
      ...(affinity === undefined ? {} : { affinity: affinityOf(affinity, labels) }),
      ...(topologySpreadConstraints === undefined
        ? {}
        : { topologySpreadConstraints: topologySpreadConstraints.map((one) => merged(one, labels)) }),
    },
  };
}

type Labels = Readonly<Record<string, string>>;

interface Keyed {
  readonly labelSelector?: t.LabelSelector | undefined;
  readonly matchLabelKeys?: readonly string[] | undefined;
  readonly mismatchLabelKeys?: readonly string[] | undefined;
}

/** A term without a selector matches nothing, whatever its keys. */
function merged<T extends Keyed>(term: T, labels: Labels): T {
  const { labelSelector, matchLabelKeys = [], mismatchLabelKeys = [] } = term;
  if (labelSelector === undefined || matchLabelKeys.length + mismatchLabelKeys.length === 0) return term;
  const own = (keys: readonly string[], operator: string): readonly t.LabelSelectorRequirement[] =>
    keys.flatMap((key) => {
      const value = labels[key];
      return value === undefined ? [] : [{ key, operator, values: [value] }];
    });
  const added = [...own(matchLabelKeys, 'In'), ...own(mismatchLabelKeys, 'NotIn')];
  if (added.length === 0) return term;
  const matchExpressions = [...(labelSelector.matchExpressions ?? []), ...added];
  return { ...term, labelSelector: { ...labelSelector, matchExpressions } };
}

function affinityOf(affinity: t.Affinity, labels: Labels): t.Affinity {
  const { podAffinity, podAntiAffinity } = affinity;
  return {
    ...affinity,
    ...(podAffinity === undefined ? {} : { podAffinity: termsOf(podAffinity, labels) }),
    ...(podAntiAffinity === undefined ? {} : { podAntiAffinity: termsOf(podAntiAffinity, labels) }),
  };
}

function termsOf<T extends t.PodAffinity | t.PodAntiAffinity>(wishes: T, labels: Labels): T {
  const {
    requiredDuringSchedulingIgnoredDuringExecution: required,
    preferredDuringSchedulingIgnoredDuringExecution: preferred,
  } = wishes;
  return {
    ...wishes,
    ...(required === undefined
      ? {}
      : { requiredDuringSchedulingIgnoredDuringExecution: required.map((term) => merged(term, labels)) }),
    ...(preferred === undefined
      ? {}
      : {
          preferredDuringSchedulingIgnoredDuringExecution: preferred.map((one) =>
            one.podAffinityTerm === undefined ? one : { ...one, podAffinityTerm: merged(one.podAffinityTerm, labels) },
          ),
        }),
  };
}
