import type { Cidr } from '#base/cidr.ts';
import type { Backend, Frontend, FrontendOrigin, Protocol } from '../frontend.ts';
import { endpointText } from './chain-name.ts';

/** An address for clients outside. */
export interface ExternalAddress {
  readonly origin: Exclude<FrontendOrigin, 'clusterIP'>;
  readonly address: string;
  readonly port: number;
  /** Whose connections are taken; absent for everybody's. */
  readonly sources?: readonly Cidr[] | undefined;
}

/** One port of a Service in one family, put together of its frontends: the unit that has chains of its own. */
export interface ServicePort {
  /** `namespace/name:port` */
  readonly name: string;
  readonly protocol: Protocol;
  /** There is an endpoint, here or elsewhere. */
  readonly hasEndpoints: boolean;
  /** Endpoints by policy, each sorted and once. */
  readonly cluster: readonly Backend[];
  readonly local: readonly Backend[];
  /** One, unless the Service has two ports of one name: those have one list of endpoints, and chains together. */
  readonly internal: readonly Pick<Frontend, 'address' | 'port' | 'policy'>[];
  readonly external: readonly ExternalAddress[];
  readonly externalPolicy: Frontend['policy'];
  /** 0 without session affinity. */
  readonly affinitySeconds: number;
  /** 0 for none. */
  readonly healthCheckPort: number;
}

/** What the frontends of one port of a Service have in common. */
export function portKey({ service, protocol }: Pick<Frontend, 'service' | 'protocol'>): string {
  return `${service} ${protocol}`;
}

/** undefined where there are no frontends. */
export function servicePort(frontends: readonly Frontend[]): ServicePort | undefined {
  const [first] = frontends;
  if (first === undefined) return undefined;
  const internal = frontends.filter(({ origin }) => origin === 'clusterIP');
  // An address that another Service has keeps at most its list for clients outside, which is of no use alone.
  const external = frontends.filter(({ origin, kind }) => origin !== 'clusterIP' && kind !== 'local');
  const ofPolicy = (policy: Frontend['policy']): readonly Backend[] =>
    sorted(frontends.find((one) => one.policy === policy)?.backends ?? []);
  return {
    name: first.service,
    protocol: first.protocol,
    hasEndpoints: frontends.some(({ backends, whenEmpty }) => backends.length > 0 || whenEmpty === 'drop'),
    cluster: ofPolicy('Cluster'),
    local: ofPolicy('Local'),
    internal,
    external: external.map(externalAddress),
    externalPolicy: external.some(({ kind }) => kind === 'inside') ? 'Local' : 'Cluster',
    affinitySeconds: first.affinitySeconds,
    healthCheckPort: internal[0]?.healthCheckPort ?? 0,
  };
}

function externalAddress({ origin, address, port, sources }: Frontend): ExternalAddress {
  const ranges = sources?.ranges;
  const isForAll = ranges === undefined || ranges.some(({ prefix }) => prefix === 0);
  const place = { origin: origin as ExternalAddress['origin'], address, port };
  return isForAll ? place : { ...place, sources: ranges };
}

/** As upstream orders endpoints: by their text, byte by byte. */
function sorted(backends: readonly Backend[]): readonly Backend[] {
  const keyed = backends.map((backend) => [endpointText(backend), backend] as const);
  return keyed.sort(([a], [b]) => (a < b ? -1 : Number(a > b))).map(([, backend]) => backend);
}
