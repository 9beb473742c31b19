import type { Cidr } from '#base/cidr.ts';
import type { Clock } from '#base/clock.ts';
import type { Log } from '#base/log.ts';
import type { Client } from '#client/client.ts';
import { Informers } from '#client/informers.ts';
import { startHorizontalPodAutoscaler } from './autoscaler/horizontal-pod-autoscaler.ts';
import { startCertificateSigner } from './certificates/certificate-signer.ts';
import type { Authority } from './certificates/issue-certificate.ts';
import type { ControllerContext } from './controller-context.ts';
import { startCronJobController } from './cron-job/cron-job.ts';
import { startDaemonSetController } from './daemon-set/daemon-set.ts';
import { startDeploymentController } from './deployment/deployment.ts';
import { startDisruptionBudgetController } from './disruption/disruption-budget.ts';
import { startEndpointMirrorController } from './endpoints/endpoint-mirror.ts';
import { startEndpointSliceController } from './endpoints/endpoint-slice.ts';
import { startEndpointsController } from './endpoints/endpoints.ts';
import { startGarbageCollector } from './garbage/garbage-collector.ts';
import { startJobController } from './job/job.ts';
import { type KubernetesService, startKubernetesService } from './kubernetes-service.ts';
import { startLoadBalancerController } from './load-balancer/load-balancer.ts';
import { startNamespaceController } from './namespace/namespace.ts';
import { startNodeLifecycleController } from './node/node-lifecycle.ts';
import { startPodGarbageCollector } from './node/pod-gc.ts';
import { startReplicaSetController, startReplicationController } from './replica-set/replica-set.ts';
import { startResourceQuotaController } from './resource-quota.ts';
import { startScheduler } from './scheduler/scheduler.ts';
import { startServiceAccountController } from './service-account.ts';
import { startStatefulSetController } from './stateful-set/stateful-set.ts';
import { startTaintEvictionController } from './node/taint-eviction.ts';
import { startEphemeralVolumeController } from './volume/ephemeral-volume.ts';
import { startPersistentVolumeController } from './volume/persistent-volume.ts';
import { startLocalProvisioner, type VolumeDirectories } from './volume/provisioner.ts';
import { startVolumeProtection } from './volume/volume-protection.ts';

export interface ControllersOptions {
  readonly client: Client;
  readonly clock: Clock;
  readonly log: Log;
  /** Stops all of them. */
  readonly signal: AbortSignal;
  /** PEM, for `kube-root-ca.crt` in every namespace. */
  readonly rootCa: string;
  /** Signs client certificates. Absent: what is approved stays without one. */
  readonly authority?: Authority | undefined;
  /** Of which Services of type LoadBalancer get their addresses, at most one a family. @default none */
  readonly loadBalancerCidrs?: readonly Cidr[] | undefined;
  /** default/kubernetes, which comes back when it is deleted. */
  readonly kubernetesService: KubernetesService;
  /** Where the volumes of the local provisioner have their files. */
  readonly volumes: VolumeDirectories;
}

export interface Controllers {
  /** Resolves when every cache is full and work has begun; rejects when stopped before. */
  readonly ready: Promise<void>;
  readonly informers: Informers;
}

/** All controllers and the scheduler, on one set of informers. */
export function startControllers(options: ControllersOptions): Controllers {
  const { client, clock, log, signal } = options;
  const informers = new Informers(client, { clock, log });
  const context: ControllerContext = { client, informers, clock, log, signal };
  // Handlers run in this order: what traffic waits for comes first.
  startEndpointSliceController(context);
  startServiceAccountController(context, options.rootCa);
  startKubernetesService(context, options.kubernetesService);
  startLoadBalancerController(context, options.loadBalancerCidrs ?? []);
  startScheduler(context);
  startReplicaSetController(context);
  startDeploymentController(context);
  startReplicationController(context);
  startStatefulSetController(context);
  startDaemonSetController(context);
  startJobController(context);
  startCronJobController(context);
  startEndpointsController(context);
  startEndpointMirrorController(context);
  startNamespaceController(context);
  startNodeLifecycleController(context);
  startTaintEvictionController(context);
  startPodGarbageCollector(context);
  startDisruptionBudgetController(context);
  startHorizontalPodAutoscaler(context);
  startPersistentVolumeController(context);
  startLocalProvisioner(context, options.volumes);
  startVolumeProtection(context);
  startEphemeralVolumeController(context);
  startResourceQuotaController(context);
  if (options.authority !== undefined) startCertificateSigner(context, options.authority);
  informers.start(signal);
  const ready = startGarbageCollector(context).then(() => informers.synced());
  ready.catch(() => {});
  return { ready, informers };
}
