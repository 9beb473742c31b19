import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { ContainerKind, ContainerView } from './container-view.ts';
import { podActions, type PodAction, stopActions } from './pod-actions.ts';
import { formatSeconds, RestartBackoff } from './restart-backoff.ts';

/** `i:a` init, `s:a` sidecar, `a` main; then `new`, `up`, `hook`, `starting`, `exit CODE`, `renewed CODE`, and `@TIME` when it may run again. */
function view(text: string): ContainerView {
  const [, kind = '', name = '', state = '', code = '0', retryAt = '0'] =
    /^(?:([is]):)?(\w+) (new|up|hook|starting|exit|renewed)(?: (\d+))?(?: @(\d+))?$/.exec(text) ?? [];
  const kinds: Readonly<Record<string, ContainerKind>> = { i: 'init', s: 'sidecar' };
  const states: Readonly<Record<string, ContainerView['state']>> = {
    new: { kind: 'waiting', reason: 'ContainerCreating' },
    renewed: { kind: 'terminated', exitCode: Number(code), reason: '', startedAt: 0, finishedAt: 0, id: undefined },
    exit: { kind: 'terminated', exitCode: Number(code), reason: '', startedAt: 0, finishedAt: 0, id: undefined },
  };
  return {
    name,
    image: 'host',
    kind: kinds[kind] ?? 'main',
    state: states[state] ?? { kind: 'running', startedAt: 0 },
    last: undefined,
    restarts: 0,
    ready: state === 'up',
    started: state === 'up',
    inHook: state === 'hook',
    unseen: undefined,
    resources: undefined,
    renewed: state === 'renewed',
    id: undefined,
    imageId: '',
    retryAt: Number(retryAt),
    backoffMs: 0,
  };
}

const views = (text: string): readonly ContainerView[] => text.split(', ').map(view);

function format(action: PodAction): string {
  switch (action.kind) {
    case 'start':
      return `start ${action.container}`;
    case 'stop':
      return [`stop ${action.container}`, ...action.after].join(' < ');
    case 'wait':
      return `wait ${action.until}`;
    case 'finish':
      return `finish ${action.phase}`;
  }
}

const cases: readonly [policy: string, containers: string, actions: string][] = [
  ['Always', 'a new, b new', 'start a, start b'],
  ['Always', 'a up, b new', 'start b'],
  ['Always', 'a up, b up', ''],
  ['Always', 'a up, b hook, c new', ''],
  ['Always', 'a exit 1, b hook, c new', 'start a'],
  ['Always', 'a exit 0, b up', 'start a'],
  ['Always', 'a exit 1 @200, b up', 'wait 200'],
  ['OnFailure', 'a exit 0, b up', ''],
  ['Never', 'a renewed 0, b exit 0', 'start a'],
  ['OnFailure', 'a exit 1, b up', 'start a'],
  ['OnFailure', 'a exit 0, b exit 0', 'finish Succeeded'],
  ['Never', 'a exit 1, b up', ''],
  ['Never', 'a exit 1, b exit 0', 'finish Failed'],
  ['Never', 'a new @200', 'wait 200'],
  ['Always', 'i:x new, i:y new, a new', 'start x'],
  ['Always', 'i:x up, i:y new, a new', ''],
  ['Always', 'i:x exit 0, i:y new, a new', 'start y'],
  ['Always', 'i:x exit 0, i:y exit 0, a new', 'start a'],
  ['Always', 'i:x exit 1, a new', 'start x'],
  ['Always', 'i:x exit 1 @200, a new', 'wait 200'],
  ['Never', 'i:x exit 1, a new', 'finish Failed'],
  ['Always', 's:x new, i:y new, a new', 'start x'],
  ['Always', 's:x starting, i:y new, a new', ''],
  ['Always', 's:x up, i:y new, a new', 'start y'],
  ['Always', 's:x exit 0, i:y up, a new', 'start x'],
  ['Always', 's:x exit 1, i:y exit 0, a up', 'start x'],
  ['Never', 's:x up, a exit 0', 'stop x'],
  ['Never', 's:x up, s:y up, a exit 0', 'stop x < y, stop y'],
  ['Never', 's:x exit 137, a exit 0', 'finish Succeeded'],
];
for (const [policy, containers, actions] of cases) {
  test(`podActions() ${policy}: ${containers}`, () => {
    const situation = { restartPolicy: policy, containers: views(containers), now: 100 };
    assert.equal(podActions(situation).map(format).join(', '), actions);
  });
}

const stops: readonly [containers: string, actions: string][] = [
  ['a up, b up', 'stop a, stop b'],
  ['s:x up, a up, b up', 'stop x < a < b, stop a, stop b'],
  ['s:x up, s:y up, s:z up, a up', 'stop x < a < y, stop y < a < z, stop z < a, stop a'],
  ['s:x up, s:y up, a exit 0', 'stop x < y, stop y'],
  ['s:x up, s:y exit 0, s:z up, a exit 0', 'stop x < z, stop z'],
  ['s:x up, i:y up, a new', 'stop x, stop y'],
  ['i:x up, a new', 'stop x'],
  ['a exit 0', ''],
];
for (const [containers, actions] of stops) {
  test(`stopActions() ${containers}`, () => {
    assert.equal(stopActions(views(containers)).map(format).join(', '), actions);
  });
}

test('RestartBackoff doubles from ten seconds to five minutes, and forgives after ten minutes', () => {
  const backoff = new RestartBackoff();
  const delays: string[] = [];
  for (let i = 0; i < 8; i++) {
    backoff.ended(0, 1000);
    delays.push(formatSeconds(backoff.readyAt(0)));
    backoff.restarted();
  }
  assert.equal(delays.join(' '), '0s 10s 20s 40s 1m20s 2m40s 5m0s 5m0s');
  backoff.ended(0, 600_000);
  assert.equal(backoff.readyAt(7), 7);
});
