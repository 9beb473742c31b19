import type { WireName } from '../name.ts';
import type { PodMode } from '../pod-name.ts';
import { argumentsOf, fallthroughZones, unknownProperty, wholeNumber, zonesOrBlock } from './arguments.ts';
import type { Directive, Line } from './corefile.ts';
import { corefileError } from './place.ts';
import type { ConnectionConfig, KubernetesConfig } from './server-config.ts';

type Draft = { -readonly [K in keyof KubernetesConfig]: KubernetesConfig[K] };
const MANY = Number.POSITIVE_INFINITY;

/** As the plugin of that name in CoreDNS, with its defaults. */
export function readKubernetes(directive: Directive, block: readonly WireName[]): KubernetesConfig {
  const all = zonesOrBlock(directive, directive.args, block);
  const draft: Draft = {
    zones: all.filter((zone) => !isReverse(zone)),
    reverseZones: all.filter(isReverse),
    pods: 'disabled',
    endpointPodNames: false,
    ttl: 5,
    fallthrough: [],
    namespaces: [],
    namespaceLabels: undefined,
    labels: undefined,
    noEndpoints: false,
    ignoreEmptyServices: false,
    connection: undefined,
  };
  for (const line of directive.block ?? []) {
    const read = Object.hasOwn(PROPERTIES, line.name) ? PROPERTIES[line.name] : undefined;
    if (read === undefined) throw unknownProperty(line, 'kubernetes', Object.keys(PROPERTIES));
    read(draft, line);
  }
  if (draft.zones.length === 0 || draft.zones.includes('\0')) {
    throw corefileError(directive, 'kubernetes needs a cluster domain', 'write it like: kubernetes cluster.local');
  }
  if (draft.namespaces.length > 0 && draft.namespaceLabels !== undefined) {
    throw corefileError(directive, 'namespaces and namespace_labels exclude each other', 'keep one of them');
  }
  return Object.freeze(draft);
}

const isReverse = (zone: WireName): boolean =>
  zone.endsWith('\x07in-addr\x04arpa\0') || zone.endsWith('\x03ip6\x04arpa\0');

const PROPERTIES: Readonly<Record<string, (draft: Draft, line: Line) => void>> = {
  pods: (draft, line) => {
    const [mode = ''] = argumentsOf(line, 1);
    if (!['disabled', 'insecure', 'verified'].includes(mode)) {
      throw corefileError(line, `pods cannot be "${mode}": it is disabled, insecure or verified`);
    }
    draft.pods = mode as PodMode;
  },
  endpoint_pod_names: (draft, line) => {
    argumentsOf(line, 0);
    draft.endpointPodNames = true;
  },
  ttl: (draft, line) => {
    draft.ttl = wholeNumber(line, argumentsOf(line, 1)[0] ?? '', 0, 3600);
  },
  fallthrough: (draft, line) => {
    draft.fallthrough = fallthroughZones(line);
  },
  namespaces: (draft, line) => {
    draft.namespaces = argumentsOf(line, 1, MANY);
  },
  namespace_labels: (draft, line) => {
    draft.namespaceLabels = argumentsOf(line, 1, MANY).join(' ');
  },
  labels: (draft, line) => {
    draft.labels = argumentsOf(line, 1, MANY).join(' ');
  },
  noendpoints: (draft, line) => {
    argumentsOf(line, 0);
    draft.noEndpoints = true;
  },
  ignore: (draft, line) => {
    const [what] = argumentsOf(line, 1);
    if (what !== 'empty_service') throw corefileError(line, `"${what}" cannot be ignored: only empty_service can`);
    draft.ignoreEmptyServices = true;
  },
  kubeconfig: (draft, line) => {
    const [file = '', context] = argumentsOf(line, 1, 2);
    draft.connection = { kind: 'kubeconfig', file, context };
  },
  endpoint: (draft, line) => {
    const [server = ''] = argumentsOf(line, 1, MANY);
    draft.connection = { kind: 'endpoint', server: server.replace(/\/+$/, ''), tls: tlsOf(draft) };
  },
  tls: (draft, line) => {
    const [cert = '', key = '', ca = ''] = argumentsOf(line, 3);
    const server = draft.connection?.kind === 'endpoint' ? draft.connection.server : '';
    draft.connection = { kind: 'endpoint', server, tls: { cert, key, ca } };
  },
  // Answers come as soon as the objects are in, and not before: there is nothing to time.
  startup_timeout: (_, line) => void argumentsOf(line, 1),
  apiserver_qps: (_, line) => void argumentsOf(line, 1),
  apiserver_burst: (_, line) => void argumentsOf(line, 1),
  apiserver_max_inflight: (_, line) => void argumentsOf(line, 1),
};

function tlsOf({ connection }: Draft): Extract<ConnectionConfig, { kind: 'endpoint' }>['tls'] {
  return connection?.kind === 'endpoint' ? connection.tls : undefined;
}
