import { deepEqual } from '#api/equal.ts';
import type { Pod, Service } from '#api/generated/types.ts';
import { objectKey } from '#api/object.ts';
import { pods, services } from '#api/resource.ts';
import type { Informer } from '#client/informer.ts';
import type { Informers } from '#client/informers.ts';
import { hasLabels } from '#api/selectors.ts';
import { isPodFinished, isPodReady, podAddresses } from '../pod-state.ts';

const BY_LABEL = 'service-pods/label';
const BY_SELECTOR = 'service-pods/selector';

/** Whether the endpoints of a Service come from its Pods, rather than from its user. */
export function selectsPods(service: Service): boolean {
  return service.spec.type !== 'ExternalName' && hasSelector(service);
}

/** An empty one is none: kube-apiserver stores it so. */
export function hasSelector({ spec }: Service): boolean {
  return Object.keys(spec.selector ?? {}).length > 0;
}

/** Which Pods a Service selects and the other way round, by indexes: no scan of all Services at each Pod's change. */
export class ServicePods {
  readonly services: Informer<Service>;
  readonly pods: Informer<Pod>;

  constructor(informers: Informers) {
    this.services = informers.for(services);
    this.pods = informers.for(pods);
    this.pods.addIndex(BY_LABEL, (pod) => pairs(pod, pod.metadata.labels));
    // One pair of the selector is enough to find the Service by; the rest is compared.
    this.services.addIndex(BY_SELECTOR, (service) =>
      selectsPods(service) ? pairs(service, service.spec.selector).slice(0, 1) : [],
    );
  }

  podsOf(service: Service): readonly Pod[] {
    const { selector = {} } = service.spec;
    const [first, ...others] = pairs(service, selector);
    if (first === undefined) return [];
    const found = this.pods.byIndex(BY_LABEL, first);
    return others.length === 0 ? found : found.filter((pod) => hasLabels(selector, pod.metadata.labels));
  }

  /** The Pod of this key, if the Service selects it. */
  podOf(service: Service, key: string): Pod | undefined {
    const pod = this.pods.get(key);
    return pod !== undefined && hasLabels(service.spec.selector ?? {}, pod.metadata.labels) ? pod : undefined;
  }

  servicesOf(pod: Pod): readonly Service[] {
    const { labels } = pod.metadata;
    return pairs(pod, labels).flatMap((pair) =>
      this.services.byIndex(BY_SELECTOR, pair).filter((service) => hasLabels(service.spec.selector ?? {}, labels)),
    );
  }

  /**
   * Calls `changed` with the key of each Service whose endpoints may now be others, and with the Pod where that alone came,
   * went or differs.
   */
  watch(changed: (serviceKey: string, pod?: Pod) => void): void {
    const all = (pod: Pod): void => {
      for (const service of this.servicesOf(pod)) changed(objectKey(service), pod);
    };
    this.services.on({
      added: (service) => changed(objectKey(service)),
      updated: (service, old) => {
        if (!sameService(service, old)) changed(objectKey(service));
      },
      deleted: (service) => changed(objectKey(service)),
    });
    this.pods.on({
      added: (pod) => all(pod),
      updated: (pod, old) => {
        if (samePod(pod, old)) return;
        all(pod);
        if (!deepEqual(pod.metadata.labels, old.metadata.labels)) all(old);
      },
      deleted: (pod) => all(pod),
    });
  }
}

function pairs(
  object: { readonly metadata: { readonly namespace?: string | undefined } },
  labels: Readonly<Record<string, string>> | undefined,
): string[] {
  return Object.entries(labels ?? {})
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([key, value]) => `${object.metadata.namespace}/${key}=${value}`);
}

function sameService(a: Service, b: Service): boolean {
  return (
    deepEqual(a.spec, b.spec) &&
    deepEqual(a.metadata.labels, b.metadata.labels) &&
    deepEqual(a.metadata.annotations, b.metadata.annotations) &&
    a.metadata.deletionTimestamp === b.metadata.deletionTimestamp
  );
}

/** Equal in all that endpoints are made of. A Pod's spec, but for its node, does not change in what matters here. */
function samePod(a: Pod, b: Pod): boolean {
  return (
    a.metadata.uid === b.metadata.uid &&
    a.metadata.deletionTimestamp === b.metadata.deletionTimestamp &&
    a.spec.nodeName === b.spec.nodeName &&
    isPodReady(a) === isPodReady(b) &&
    isPodFinished(a) === isPodFinished(b) &&
    deepEqual(podAddresses(a), podAddresses(b)) &&
    deepEqual(a.metadata.labels, b.metadata.labels)
  );
}
