import assert from 'node:assert/strict';
import { test } from 'node:test';
import { fieldErrorText } from '../field-error.ts';
import type * as t from '../generated/types.ts';
import { behaviorDefaults, validateBehavior } from './behavior.ts';
import { validateMetrics } from './metrics.ts';

const AT = 'spec.metrics[0]';
const UTILIZATION = { type: 'Utilization', averageUtilization: 50 };

const metrics: readonly { name: string; metric: object; errors: readonly string[] }[] = [
  {
    name: 'a resource by utilization',
    metric: { type: 'Resource', resource: { name: 'cpu', target: UTILIZATION } },
    errors: [],
  },
  {
    name: 'no type',
    metric: {},
    errors: [
      `${AT}.type: Required value: must specify a metric source type`,
      `${AT}.type: Unsupported value: "": supported values: "ContainerResource", "External", "Object", "Pods", "Resource"`,
      `${AT}.type: Unsupported value: "": supported values: "ContainerResource", "External", "Object", "Pods", "Resource"`,
    ],
  },
  {
    name: 'no source',
    metric: { type: 'Resource' },
    errors: [`${AT}.resource: Required value: must populate information for the given metric source`],
  },
  {
    name: 'two sources',
    metric: {
      type: 'Resource',
      resource: { name: 'cpu', target: UTILIZATION },
      pods: { metric: { name: 'x' }, target: { type: 'AverageValue', averageValue: '1' } },
    },
    errors: [`${AT}.pods: Forbidden: must populate the given metric source only`],
  },
  {
    name: 'a resource without anything',
    metric: { type: 'ContainerResource', containerResource: {} },
    errors: [
      `${AT}.containerResource.name: Required value: must specify a resource name`,
      `${AT}.containerResource.container: Required value: must specify a container`,
      `${AT}.containerResource.target.type: Required value: must specify a metric target type`,
      `${AT}.containerResource.target.type: Invalid value: "": must be either Utilization, Value, or AverageValue`,
      `${AT}.containerResource.target.averageUtilization: Required value: must set either a target raw value or a target utilization`,
    ],
  },
  {
    name: 'aims that cannot be',
    metric: {
      type: 'Resource',
      resource: { name: 'cpu', target: { type: 'Utilization', averageUtilization: 0, averageValue: '0' } },
    },
    errors: [
      `${AT}.resource.target.averageValue: Invalid value: "0": must be positive`,
      `${AT}.resource.target.averageUtilization: Invalid value: 0: must be greater than 0`,
      `${AT}.resource.target.averageValue: Forbidden: may not set both a target raw value and a target utilization`,
    ],
  },
  {
    name: 'Pods without an average',
    metric: { type: 'Pods', pods: { metric: {}, target: { type: 'Value', value: '1' } } },
    errors: [
      `${AT}.pods.metric.name: Required value: must specify a metric name`,
      `${AT}.pods.target.averageValue: Required value: must specify a positive target averageValue`,
    ],
  },
];
for (const { name, metric, errors } of metrics) {
  test(`validateMetrics() of ${name}`, () => {
    assert.deepEqual(validateMetrics([metric as t.MetricSpec]).map(fieldErrorText), errors);
  });
}

test('behaviorDefaults() fills in the usual rules for both directions', () => {
  const percent = { type: 'Percent', value: 100, periodSeconds: 15 };
  assert.deepEqual(behaviorDefaults({ scaleUp: { stabilizationWindowSeconds: 5 } }), {
    scaleUp: {
      stabilizationWindowSeconds: 5,
      selectPolicy: 'Max',
      policies: [{ type: 'Pods', value: 4, periodSeconds: 15 }, percent],
    },
    scaleDown: { selectPolicy: 'Max', policies: [percent] },
  });
});

test('validateBehavior() refuses what cannot be kept to', () => {
  const scaleUp = {
    stabilizationWindowSeconds: 3601,
    selectPolicy: 'Most',
    policies: [{ type: 'Nodes', value: 0, periodSeconds: 1801 }],
  };
  const at = 'spec.behavior.scaleUp';
  assert.deepEqual(validateBehavior({ scaleUp, scaleDown: { policies: [] } }).map(fieldErrorText), [
    `${at}.stabilizationWindowSeconds: Invalid value: 3601: must be less than or equal to 3600`,
    `${at}.selectPolicy: Unsupported value: "Most": supported values: "Disabled", "Max", "Min"`,
    `${at}.policies[0].type: Unsupported value: "Nodes": supported values: "Percent", "Pods"`,
    `${at}.policies[0].value: Invalid value: 0: must be greater than zero`,
    `${at}.policies[0].periodSeconds: Invalid value: 1801: must be less than or equal to 1800`,
    'spec.behavior.scaleDown.policies: Required value: must specify at least one Policy',
  ]);
});
