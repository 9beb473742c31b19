import type * as t from '../generated/types.ts';

type HttpGet = t.HTTPGetAction;

/** `latest`, or no tag at all, is pulled each time; a tag or digest only when it is missing. */
function pullPolicyOf(image: string): 'Always' | 'IfNotPresent' {
  if (image.includes('@')) return 'IfNotPresent';
  const tag = /:([^:/]*)$/.exec(image)?.[1];
  return tag === undefined || tag === 'latest' ? 'Always' : 'IfNotPresent';
}

function httpGetDefaults(action: HttpGet): HttpGet {
  return { ...action, path: action.path ?? '/', scheme: action.scheme ?? 'HTTP' };
}

function probeDefaults(probe: t.Probe): t.Probe {
  return {
    ...probe,
    ...(probe.httpGet === undefined ? {} : { httpGet: httpGetDefaults(probe.httpGet) }),
    ...(probe.grpc === undefined ? {} : { grpc: { ...probe.grpc, service: probe.grpc.service ?? '' } }),
    timeoutSeconds: probe.timeoutSeconds || 1,
    periodSeconds: probe.periodSeconds || 10,
    successThreshold: probe.successThreshold || 1,
    failureThreshold: probe.failureThreshold || 3,
  };
}

function handlerDefaults(handler: t.LifecycleHandler): t.LifecycleHandler {
  return handler.httpGet === undefined ? handler : { ...handler, httpGet: httpGetDefaults(handler.httpGet) };
}

function lifecycleDefaults(lifecycle: t.Lifecycle): t.Lifecycle {
  return {
    ...lifecycle,
    ...(lifecycle.postStart === undefined ? {} : { postStart: handlerDefaults(lifecycle.postStart) }),
    ...(lifecycle.preStop === undefined ? {} : { preStop: handlerDefaults(lifecycle.preStop) }),
  };
}

function fieldRefDefaults<T extends { readonly fieldRef?: t.ObjectFieldSelector | undefined }>(item: T): T {
  if (item.fieldRef === undefined) return item;
  return { ...item, fieldRef: { ...item.fieldRef, apiVersion: item.fieldRef.apiVersion ?? 'v1' } };
}

function envDefaults(env: t.EnvVar): t.EnvVar {
  return env.valueFrom === undefined ? env : { ...env, valueFrom: fieldRefDefaults(env.valueFrom) };
}

function portDefaults(port: t.ContainerPort, hostPorts: boolean): t.ContainerPort {
  const hostPort = port.hostPort ?? (hostPorts ? port.containerPort : undefined);
  return { ...port, ...(hostPort === undefined ? {} : { hostPort }), protocol: port.protocol ?? 'TCP' };
}

function mapped<T, K extends string>(key: K, items: readonly T[] | undefined, fn: (item: T) => T): { [P in K]?: T[] } {
  return items === undefined ? {} : ({ [key]: items.map(fn) } as { [P in K]?: T[] });
}

/** Containers of all three sorts have these. */
function containerDefaults<C extends t.Container | t.EphemeralContainer>(container: C, hostPorts: boolean): C {
  const { livenessProbe, readinessProbe, startupProbe, lifecycle } = container;
  return {
    ...container,
    ...mapped('env', container.env, envDefaults),
    ...mapped('ports', container.ports, (port) => portDefaults(port, hostPorts)),
    ...(livenessProbe === undefined ? {} : { livenessProbe: probeDefaults(livenessProbe) }),
    ...(readinessProbe === undefined ? {} : { readinessProbe: probeDefaults(readinessProbe) }),
    ...(startupProbe === undefined ? {} : { startupProbe: probeDefaults(startupProbe) }),
    ...(lifecycle === undefined ? {} : { lifecycle: lifecycleDefaults(lifecycle) }),
    resources: container.resources ?? {},
    terminationMessagePath: container.terminationMessagePath ?? '/dev/termination-log',
    terminationMessagePolicy: container.terminationMessagePolicy ?? 'File',
    imagePullPolicy: container.imagePullPolicy ?? pullPolicyOf(container.image ?? ''),
  };
}

const FILE_MODE = 0o644;

function projectionDefaults(source: t.VolumeProjection): t.VolumeProjection {
  const { serviceAccountToken: token, downwardAPI } = source;
  return {
    ...source,
    ...(token === undefined
      ? {}
      : { serviceAccountToken: { ...token, expirationSeconds: token.expirationSeconds ?? 3600 } }),
    ...(downwardAPI === undefined
      ? {}
      : { downwardAPI: { ...downwardAPI, ...mapped('items', downwardAPI.items, fieldRefDefaults) } }),
  };
}

function volumeDefaults(volume: t.Volume): t.Volume {
  const { secret, configMap, downwardAPI, projected, hostPath } = volume;
  // The name alone means an empty directory.
  if (Object.keys(volume).every((key) => key === 'name')) return { ...volume, emptyDir: {} };
  const mode = (of: { readonly defaultMode?: number | undefined }): number => of.defaultMode ?? FILE_MODE;
  return {
    ...volume,
    ...(secret === undefined ? {} : { secret: { ...secret, defaultMode: mode(secret) } }),
    ...(configMap === undefined ? {} : { configMap: { ...configMap, defaultMode: mode(configMap) } }),
    ...(hostPath === undefined ? {} : { hostPath: { ...hostPath, type: hostPath.type ?? '' } }),
    ...(downwardAPI === undefined
      ? {}
      : {
          downwardAPI: {
            ...downwardAPI,
            ...mapped('items', downwardAPI.items, fieldRefDefaults),
            defaultMode: mode(downwardAPI),
          },
        }),
    ...(projected === undefined
      ? {}
      : {
          projected: {
            ...projected,
            ...mapped('sources', projected.sources, projectionDefaults),
            defaultMode: mode(projected),
          },
        }),
  };
}

/** Defaults of a Pod's spec; `hostPorts` follow the containers' ports in a Pod on its node's network, not in templates. */
function podSpecDefaults(given: Partial<t.PodSpec>, hostPorts: boolean): t.PodSpec {
  // The older name of the field is kept in step with the newer one, whichever was given.
  const account = given.serviceAccountName ?? given.serviceAccount;
  return {
    ...given,
    ...mapped('initContainers', given.initContainers, (container) => containerDefaults(container, hostPorts)),
    ...mapped('ephemeralContainers', given.ephemeralContainers, (container) => containerDefaults(container, false)),
    ...mapped('volumes', given.volumes, volumeDefaults),
    containers: (given.containers ?? []).map((container) => containerDefaults(container, hostPorts)),
    ...(account === undefined ? {} : { serviceAccountName: account, serviceAccount: account }),
    restartPolicy: given.restartPolicy ?? 'Always',
    terminationGracePeriodSeconds: given.terminationGracePeriodSeconds ?? 30,
    dnsPolicy: given.dnsPolicy ?? 'ClusterFirst',
    securityContext: given.securityContext ?? {},
    schedulerName: given.schedulerName ?? 'default-scheduler',
  };
}

export function podTemplateDefaults(template: t.PodTemplateSpec | undefined): t.PodTemplateSpec {
  return { ...template, metadata: template?.metadata ?? {}, spec: podSpecDefaults(template?.spec ?? {}, false) };
}

/** What is limited is requested as well, unless said otherwise. Only in Pods, not in templates. */
function requestDefaults<C extends t.Container>(container: C): C {
  const { limits, requests } = container.resources ?? {};
  if (limits === undefined) return container;
  return { ...container, resources: { ...container.resources, requests: { ...limits, ...requests } } };
}

export function podDefaults(pod: t.Pod): t.Pod {
  const spec = podSpecDefaults(pod.spec, pod.spec.hostNetwork === true);
  return {
    ...pod,
    spec: {
      ...spec,
      ...mapped('initContainers', spec.initContainers, requestDefaults),
      containers: spec.containers.map(requestDefaults),
      enableServiceLinks: spec.enableServiceLinks ?? true,
      ...((spec.terminationGracePeriodSeconds ?? 0) < 0 ? { terminationGracePeriodSeconds: 1 } : {}),
    },
  };
}
