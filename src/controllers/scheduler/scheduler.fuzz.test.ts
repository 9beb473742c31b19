import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import type { Node, Pod } from '#api/generated/types.ts';
import { viewClaims } from './claims.ts';
import { place, type Surroundings } from './cycle.ts';
import { demandOf } from '#api/pod/demand.ts';
import { ownRefusal } from './fit.ts';
import { type Candidate, NodeLoad } from './node-load.ts';
import { planPreemption, priorityOf } from './preemption.ts';

const runs = { numRuns: Number(process.env['FUZZ_RUNS'] ?? 200) };

interface PodInput {
  readonly cpu: number;
  readonly priority: number;
  readonly port: number;
}

const podInput: fc.Arbitrary<PodInput> = fc.record({
  cpu: fc.integer({ min: 0, max: 4 }),
  priority: fc.integer({ min: 0, max: 3 }),
  port: fc.integer({ min: 0, max: 2 }),
});

let count = 0;

function pod({ cpu, priority, port }: PodInput): Pod {
  const ports = port === 0 ? [] : [{ containerPort: 80, hostPort: port }];
  const requests = { cpu: String(cpu), 'example.com/x': String(cpu % 2) };
  return {
    metadata: { namespace: 'd', name: `p${count++}`, creationTimestamp: '2026-01-01T00:00:00Z' },
    spec: { priority, containers: [{ name: 'c', resources: { requests }, ports }] },
  } as unknown as Pod;
}

function candidate(i: number, inputs: readonly PodInput[]): Candidate {
  const allocatable = { cpu: '6', pods: '4', 'example.com/x': '2' };
  const status = { allocatable, conditions: [{ type: 'Ready', status: 'True' }] };
  const metadata = { name: `n${i}`, labels: { 'kubernetes.io/hostname': `n${i}` } };
  const node = { metadata, spec: {}, status } as unknown as Node;
  const load = new NodeLoad();
  for (const input of inputs) {
    const one = pod(input);
    if (ownRefusal(one, demandOf(one), { node, load }) === undefined) load.add(one);
  }
  return { node, load };
}

const cluster = fc
  .array(fc.array(podInput, { maxLength: 6 }), { minLength: 1, maxLength: 3 })
  .map((nodes): Surroundings => ({ candidates: nodes.map((inputs, i) => candidate(i, inputs)), labelsOf: () => ({}) }));

function figures(load: NodeLoad): readonly unknown[] {
  const { pods, cpuMillis, memory, scoredCpuMillis, scoredMemory } = load;
  const ports = [1, 2].map((port) => load.hasPortConflict([`TCP 0.0.0.0 ${port}`]));
  return [pods, cpuMillis, memory, scoredCpuMillis, scoredMemory, load.other('example.com/x'), ...ports];
}

test('a Pod is placed where there is room, or nowhere when there is none', () => {
  fc.assert(
    fc.property(cluster, podInput, (around, input) => {
      const applicant = pod(input);
      const { chosen, refusals } = place(applicant, viewClaims(applicant, {} as never), around);
      const fits = around.candidates.filter((one) => ownRefusal(applicant, demandOf(applicant), one) === undefined);
      assert.equal(chosen !== undefined, fits.length > 0);
      if (chosen !== undefined) assert.ok(fits.includes(chosen));
      assert.equal(refusals.filter((refusal) => refusal === undefined).length, fits.length);
    }),
    runs,
  );
});

test('victims are less important, enough, and not one too many', () => {
  fc.assert(
    fc.property(cluster, podInput, (around, input) => {
      const applicant = pod(input);
      const claims = viewClaims(applicant, {} as never);
      const { chosen, refusals } = place(applicant, claims, around);
      if (chosen !== undefined) return;
      const plan = planPreemption({ pod: applicant, claims, around, refusals, budgets: [] });
      const fitsWithout = (gone: readonly Pod[], { node, load }: Candidate): boolean =>
        ownRefusal(applicant, demandOf(applicant), { node, load: load.altered(gone, []) }) === undefined;
      if (plan.kind === 'none') {
        for (const one of around.candidates) {
          const lesser = one.load.placed.filter((other) => priorityOf(other) < priorityOf(applicant));
          assert.ok(lesser.length === 0 || !fitsWithout(lesser, one));
        }
        return;
      }
      const { candidate: target, victims } = plan;
      assert.ok(victims.length > 0 && victims.every((one) => priorityOf(one) < priorityOf(applicant)));
      assert.ok(fitsWithout(victims, target));
      for (const spared of victims) {
        assert.ok(
          !fitsWithout(
            victims.filter((one) => one !== spared),
            target,
          ),
        );
      }
    }),
    runs,
  );
});

test('NodeLoad counts the same, however its Pods came and went', () => {
  fc.assert(
    fc.property(fc.array(podInput, { maxLength: 8 }), fc.array(fc.boolean(), { maxLength: 8 }), (inputs, leaves) => {
      const all = inputs.map(pod);
      const gone = all.filter((_, i) => leaves[i] === true);
      const load = new NodeLoad();
      for (const one of [...all, ...all]) load.add(one);
      const altered = load.altered(gone, []);
      for (const one of [...gone, ...gone]) load.remove(one);
      const fresh = new NodeLoad();
      for (const one of all) if (!gone.includes(one)) fresh.add(one);
      assert.deepEqual(figures(load), figures(fresh));
      assert.deepEqual(figures(altered), figures(fresh));
      assert.deepEqual(figures(fresh.altered([], gone)), figures(new NodeLoad().altered([], all)));
    }),
    runs,
  );
});
