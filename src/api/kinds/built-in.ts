import { eraseKind } from '../define-kind.ts';
import type { KindDefinition } from '../kind.ts';
import { clusterRole } from './cluster-role.ts';
import { clusterRoleBinding } from './cluster-role-binding.ts';
import { configMap } from './config-map.ts';
import { controllerRevision } from './controller-revision.ts';
import { cronJob } from './cron-job.ts';
import { daemonSet } from './daemon-set.ts';
import { deployment } from './deployment.ts';
import { endpointSlice } from './endpoint-slice.ts';
import { endpoints } from './endpoints.ts';
import { event } from './event.ts';
import { eventsEvent } from './events-event.ts';
import { horizontalPodAutoscaler } from './horizontal-pod-autoscaler.ts';
import { horizontalPodAutoscalerV1 } from './horizontal-pod-autoscaler-v1.ts';
import { ingress } from './ingress.ts';
import { ingressClass } from './ingress-class.ts';
import { ipAddress } from './ip-address.ts';
import { job } from './job.ts';
import { lease } from './lease.ts';
import { limitRange } from './limit-range.ts';
import { namespace } from './namespace.ts';
import { mutatingWebhookConfiguration } from './mutating-webhook-configuration.ts';
import { networkPolicy } from './network-policy.ts';
import { node } from './node.ts';
import { persistentVolume } from './persistent-volume.ts';
import { persistentVolumeClaim } from './persistent-volume-claim.ts';
import { pod } from './pod.ts';
import { podDisruptionBudget } from './pod-disruption-budget.ts';
import { customResourceDefinition } from './custom-resource-definition.ts';
import { podTemplate } from './pod-template.ts';
import { priorityClass } from './priority-class.ts';
import { replicaSet } from './replica-set.ts';
import { replicationController } from './replication-controller.ts';
import { resourceQuota } from './resource-quota.ts';
import { role } from './role.ts';
import { roleBinding } from './role-binding.ts';
import { secret } from './secret.ts';
import { service } from './service.ts';
import { serviceAccount } from './service-account.ts';
import { serviceCidr } from './service-cidr.ts';
import { statefulSet } from './stateful-set.ts';
import { storageClass } from './storage-class.ts';
import { validatingWebhookConfiguration } from './validating-webhook-configuration.ts';
import { volumeAttributesClass } from './volume-attributes-class.ts';
import { runtimeClass } from './runtime-class.ts';
import { flowSchema } from './flow-schema.ts';
import { priorityLevelConfiguration } from './priority-level-configuration.ts';
import { certificateSigningRequest } from './certificate-signing-request.ts';
import { validatingAdmissionPolicy } from './validating-admission-policy.ts';
import { validatingAdmissionPolicyBinding } from './validating-admission-policy-binding.ts';
import { apiService } from './api-service.ts';
import { componentStatus } from './component-status.ts';
import { csiDriver } from './csi-driver.ts';
import { csiNode } from './csi-node.ts';
import { csiStorageCapacity } from './csi-storage-capacity.ts';
import { volumeAttachment } from './volume-attachment.ts';

/** Every kind that the server is born with, in the order of discovery. */
export const builtInKinds: readonly KindDefinition[] = [
  eraseKind(namespace),
  eraseKind(node),
  eraseKind(pod),
  eraseKind(service),
  eraseKind(endpoints),
  eraseKind(configMap),
  eraseKind(secret),
  eraseKind(serviceAccount),
  eraseKind(event),
  eraseKind(replicationController),
  eraseKind(podTemplate),
  eraseKind(persistentVolume),
  eraseKind(persistentVolumeClaim),
  eraseKind(limitRange),
  eraseKind(resourceQuota),
  eraseKind(componentStatus),
  eraseKind(deployment),
  eraseKind(replicaSet),
  eraseKind(statefulSet),
  eraseKind(daemonSet),
  eraseKind(controllerRevision),
  eraseKind(job),
  eraseKind(cronJob),
  eraseKind(horizontalPodAutoscaler),
  eraseKind(horizontalPodAutoscalerV1),
  eraseKind(eventsEvent),
  eraseKind(lease),
  eraseKind(endpointSlice),
  eraseKind(ingress),
  eraseKind(ingressClass),
  eraseKind(networkPolicy),
  eraseKind(serviceCidr),
  eraseKind(ipAddress),
  eraseKind(podDisruptionBudget),
  eraseKind(role),
  eraseKind(roleBinding),
  eraseKind(clusterRole),
  eraseKind(clusterRoleBinding),
  eraseKind(priorityClass),
  eraseKind(customResourceDefinition),
  eraseKind(validatingWebhookConfiguration),
  eraseKind(mutatingWebhookConfiguration),
  eraseKind(validatingAdmissionPolicy),
  eraseKind(validatingAdmissionPolicyBinding),
  eraseKind(storageClass),
  eraseKind(csiDriver),
  eraseKind(csiNode),
  eraseKind(csiStorageCapacity),
  eraseKind(volumeAttachment),
  eraseKind(volumeAttributesClass),
  eraseKind(runtimeClass),
  eraseKind(flowSchema),
  eraseKind(priorityLevelConfiguration),
  eraseKind(certificateSigningRequest),
  eraseKind(apiService),
];
