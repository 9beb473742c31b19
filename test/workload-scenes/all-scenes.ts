import { budgetScenes } from './budget-scenes.ts';
import { deploymentScenes } from './deployment-scenes.ts';
import { jobScenes } from './job-scenes.ts';
import type { Scene, SceneOutcome } from './scene.ts';
import type { Shown } from './show.ts';
import { setScenes } from './set-scenes.ts';
import { type Pace, Stage } from './stage.ts';
import type { Ask } from '../../src/apiserver/services/rules/rule-case.ts';

export const allScenes: readonly Scene[] = [...deploymentScenes, ...setScenes, ...jobScenes, ...budgetScenes];

/** Nodes that every scene has, as their kubelets would keep them. */
export async function prepareNodes(ask: Ask): Promise<void> {
  for (const name of ['n1', 'n2']) {
    await ask({ method: 'POST', path: '/api/v1/nodes', body: { metadata: { name } } });
    const conditions = [{ type: 'Ready', status: 'True', lastTransitionTime: '2026-01-01T00:00:00Z' }];
    const amounts = { cpu: '64', memory: '64Gi', pods: '500' };
    const status = { capacity: amounts, allocatable: amounts, conditions };
    const contentType = 'application/merge-patch+json';
    await ask({ method: 'PATCH', path: `/api/v1/nodes/${name}/status`, body: { status }, contentType });
    await ask({ method: 'PATCH', path: `/api/v1/nodes/${name}`, body: { spec: { taints: null } }, contentType });
  }
}

/** A sign of life of all nodes but those that a scene has fall silent. */
export async function renewNodes(ask: Ask, now: number): Promise<void> {
  const { body } = await ask({ method: 'GET', path: '/api/v1/nodes?labelSelector=!silent' });
  for (const { metadata } of (body as { readonly items: readonly Shown[] }).items) {
    const { name } = metadata;
    const path = '/apis/coordination.k8s.io/v1/namespaces/kube-node-lease/leases';
    const spec = {
      holderIdentity: name,
      leaseDurationSeconds: 40,
      renewTime: new Date(now).toISOString().replace('Z', '000Z'),
    };
    const body = { metadata: { name }, spec };
    const made = await ask({ method: 'POST', path, body });
    if (made.status < 300) continue;
    await ask({
      method: 'PATCH',
      path: `${path}/${name}`,
      body: { spec },
      contentType: 'application/merge-patch+json',
    });
  }
}

export async function playScene(scene: Scene, ask: Ask, pace: Pace, namespace: string): Promise<SceneOutcome> {
  const stage = new Stage(ask, pace, namespace);
  await stage.open();
  const acts: Record<string, readonly string[]> = {};
  for (const [i, [name, play]] of scene.acts.entries()) {
    await play(stage);
    await stage.rest();
    acts[`${i + 1}. ${name}`] = await stage.look();
  }
  return { acts, events: await stage.events() };
}
