import type { Pod, Service, ServicePort } from '#api/generated/types.ts';

export interface EndpointPort {
  readonly name: string;
  readonly protocol: string;
  readonly port: number;
  readonly appProtocol?: string | undefined;
}

/**
 * The number behind a Service's port in one Pod. A named target port is looked for among the containers and then among
 * the sidecars (init containers that restart); undefined when the Pod has no such port.
 */
function targetPortOf(pod: Pod, { port, targetPort, protocol = 'TCP' }: ServicePort): number | undefined {
  if (targetPort === undefined || targetPort === '') return port;
  if (typeof targetPort === 'number') return targetPort;
  const sidecars = (pod.spec.initContainers ?? []).filter(({ restartPolicy }) => restartPolicy === 'Always');
  for (const container of [...pod.spec.containers, ...sidecars]) {
    for (const candidate of container.ports ?? []) {
      if (candidate.name === targetPort && (candidate.protocol ?? 'TCP') === protocol) return candidate.containerPort;
    }
  }
  return undefined;
}

/** The Service's ports as this Pod serves them; those it does not name are left out. */
export function endpointPortsOf(pod: Pod, service: Service): readonly EndpointPort[] {
  return (service.spec.ports ?? []).flatMap((servicePort) => {
    const port = targetPortOf(pod, servicePort);
    if (port === undefined) return [];
    const { name = '', protocol = 'TCP', appProtocol } = servicePort;
    return [{ name, protocol, port, ...(appProtocol === undefined ? {} : { appProtocol }) }];
  });
}
