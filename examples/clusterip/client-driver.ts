import { parseAllDocuments } from 'yaml';
import type { Deployment, Pod } from '#api/generated/types.ts';
import type { KubeObject } from '#api/object.ts';
import { deployments, endpointSlices, pods, services, type Resource } from '#api/resource.ts';
import { systemClock } from '#base/clock.ts';
import { createClient } from '#client/api-client.ts';
import { isReason, type Client } from '#client/client.ts';
import { exec } from '#client/exec.ts';
import { httpsTransport } from '#client/https-transport.ts';
import { readConnection } from '#client/kubeconfig.ts';
import type { Driver } from './driver.ts';

const namespace = 'default';
const WAIT_MS = 60_000;

/** The same calls over our own client. */
export function clientDriver(kubeconfig: string, say: (text: string) => void): Driver {
  const connection = readConnection(kubeconfig);
  const client = createClient(httpsTransport(connection));
  return {
    async apply(source, manifest) {
      say(`\napply ${source}`);
      for (const document of parseAllDocuments(manifest)) say(await apply(client, document.toJS() as KubeObject));
    },
    async ready(deployment, pod) {
      await until(client, deployments, deployment, isRolledOut);
      await until(client, pods, pod, isReady);
      say(`\ndeployment/${deployment} and pod/${pod} are ready`);
    },
    async clusterIp(service) {
      return (await client.get(services, { namespace, name: service })).spec.clusterIP ?? '';
    },
    async exec(pod, command) {
      const done = await exec(connection, { namespace, name: pod }, command);
      if (done.exitCode !== 0) throw new Error(`${command.join(' ')} ended with ${done.exitCode}: ${done.stderr}`);
      return done.stdout;
    },
    async show() {
      const service = await client.get(services, { namespace, name: 'api-svc' });
      const ports = service.spec.ports?.map(({ port, protocol }) => `${port}/${protocol}`).join(',');
      say(`\nservice/api-svc ${service.spec.type} ${service.spec.clusterIP} ${ports}`);
      const slices = await client.list(endpointSlices, {
        namespace,
        labelSelector: 'kubernetes.io/service-name=api-svc',
      });
      say(
        `endpoints ${slices.items.flatMap((slice) => slice.endpoints?.flatMap(({ addresses }) => addresses)).join(', ')}`,
      );
      for (const pod of (await client.list(pods, { namespace })).items) {
        say(`pod/${pod.metadata.name} ${pod.status.phase} ${pod.status.podIP} on ${pod.spec.nodeName}`);
      }
    },
  };
}

async function apply(client: Client, object: KubeObject): Promise<string> {
  const resource = [deployments, pods, services].find(({ kind }) => kind === object.kind) as Resource | undefined;
  if (resource === undefined) throw new Error(`Cannot apply a ${object.kind}: the journey has none`);
  const name = `${object.kind.toLowerCase()}/${object.metadata.name}`;
  const metadata = { ...object.metadata, namespace };
  try {
    await client.create(resource, { ...object, metadata });
    return `${name} created`;
  } catch (error) {
    if (!isReason(error, 'AlreadyExists')) throw error;
    return `${name} is there already`;
  }
}

async function until<T extends KubeObject>(
  client: Client,
  resource: Resource<T>,
  name: string,
  done: (object: T) => boolean,
): Promise<void> {
  const signal = AbortSignal.timeout(WAIT_MS);
  for await (const event of client.watch(resource, { namespace, fieldSelector: `metadata.name=${name}`, signal })) {
    if ((event.type === 'ADDED' || event.type === 'MODIFIED') && done(event.object)) return;
  }
  await systemClock.sleep(0, signal);
  throw new Error(`Cannot go on: ${resource.kind} "${name}" was not ready in time`);
}

function isRolledOut({ spec, status, metadata }: Deployment): boolean {
  return (status.observedGeneration ?? 0) >= (metadata.generation ?? 0) && status.availableReplicas === spec.replicas;
}

function isReady({ status }: Pod): boolean {
  return status.conditions?.some(({ type, status: value }) => type === 'Ready' && value === 'True') === true;
}
