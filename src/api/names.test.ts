import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  checkConfigKey,
  checkDns1035Label,
  checkDns1123Label,
  checkDns1123Subdomain,
  checkEnvName,
  checkLabelValue,
  checkPort,
  checkPortName,
  checkQualifiedName,
  checkWildcardSubdomain,
  labelName,
  pathSegmentName,
} from './names.ts';

type Check = (value: string) => readonly string[];

const QUALIFIED =
  "must consist of alphanumeric characters, '-', '_' or '.', and must start and end with an alphanumeric character (e.g. 'MyName',  or 'my.name',  or '123-abc', regex used for validation is '([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9]')";

const cases: readonly (readonly [Check, string, readonly string[]])[] = [
  [checkDns1123Label, 'web-1', []],
  [
    checkDns1123Label,
    'Web',
    [
      "a lowercase RFC 1123 label must consist of lower case alphanumeric characters or '-', and must start and end with an alphanumeric character (e.g. 'my-name',  or '123-abc', regex used for validation is '[a-z0-9]([-a-z0-9]*[a-z0-9])?')",
    ],
  ],
  [checkDns1123Label, 'a'.repeat(64), ['must be no more than 63 characters']],
  [checkDns1123Subdomain, 'a.b-c.d', []],
  [
    checkDns1123Subdomain,
    'a..b',
    [
      "a lowercase RFC 1123 subdomain must consist of lower case alphanumeric characters, '-' or '.', and must start and end with an alphanumeric character (e.g. 'example.com', regex used for validation is '[a-z0-9]([-a-z0-9]*[a-z0-9])?(\\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*')",
    ],
  ],
  [
    checkDns1035Label,
    '1web',
    [
      "a DNS-1035 label must consist of lower case alphanumeric characters or '-', start with an alphabetic character, and end with an alphanumeric character (e.g. 'my-name',  or 'abc-123', regex used for validation is '[a-z]([-a-z0-9]*[a-z0-9])?')",
    ],
  ],
  [checkQualifiedName, 'app.kubernetes.io/name', []],
  [checkQualifiedName, '', ['name part must be non-empty', `name part ${QUALIFIED}`]],
  [checkQualifiedName, '/a', ['prefix part must be non-empty']],
  [
    checkQualifiedName,
    'a/b/c',
    [`a qualified name ${QUALIFIED} with an optional DNS subdomain prefix and '/' (e.g. 'example.com/MyName')`],
  ],
  [checkLabelValue, '', []],
  [
    checkLabelValue,
    'a b',
    [
      "a valid label must be an empty string or consist of alphanumeric characters, '-', '_' or '.', and must start and end with an alphanumeric character (e.g. 'MyValue',  or 'my_value',  or '12345', regex used for validation is '(([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9])?')",
    ],
  ],
  [
    checkConfigKey,
    'a/b',
    [
      "a valid config key must consist of alphanumeric characters, '-', '_' or '.' (e.g. 'key.name',  or 'KEY_NAME',  or 'key-name', regex used for validation is '[-._a-zA-Z0-9]+')",
    ],
  ],
  [checkConfigKey, '..', ["must not be '..'"]],
  [checkConfigKey, '..a', ["must not start with '..'"]],
  [checkEnvName, 'my.NAME-1', []],
  [checkEnvName, '', ['environment variable name must be non-empty']],
  [
    checkEnvName,
    'a=b',
    ["a valid environment variable name must consist only of printable ASCII characters other than '='"],
  ],
  [checkPortName, 'http-alt', []],
  [checkPortName, 'a-very-long-port-name', ['must be no more than 15 characters']],
  [checkPortName, 'Http', ['must contain only alpha-numeric characters (a-z, 0-9), and hyphens (-)']],
  [checkPortName, '80', ['must contain at least one letter (a-z)']],
  [checkPortName, 'a--b-', ['must not contain consecutive hyphens', 'must not begin or end with a hyphen']],
  [checkWildcardSubdomain, '*.example.com', []],
];

for (const [check, value, reasons] of cases) {
  test(`${check.name}() of "${value.slice(0, 24)}"`, () => assert.deepEqual(check(value), reasons));
}

test('checkPort() takes 1 to 65535', () => {
  assert.deepEqual([0, 1, 65535, 65536].map(checkPort), [
    ['must be between 1 and 65535, inclusive'],
    [],
    [],
    ['must be between 1 and 65535, inclusive'],
  ]);
});

test('labelName() lets a prefix end in a dash', () => {
  assert.deepEqual(labelName('web-', true), []);
  assert.equal(labelName('web-', false).length, 1);
});

test('pathSegmentName() refuses what a path cannot hold', () => {
  assert.deepEqual(pathSegmentName('system:node', false), []);
  assert.deepEqual(pathSegmentName('..', false), ["may not be '..'"]);
  assert.deepEqual(pathSegmentName('a/b%', false), ["may not contain '/'", "may not contain '%'"]);
});
