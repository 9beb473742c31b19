import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Status } from './object.ts';
import * as status from './status.ts';

const services = { group: '', plural: 'services' };
const deployments = { group: 'apps', plural: 'deployments' };

const cases: readonly (readonly [Status, string])[] = [
  [status.notFoundStatus(services, 'web'), '404 NotFound services "web" not found {"name":"web","kind":"services"}'],
  [
    status.notFoundStatus(deployments, 'web'),
    '404 NotFound deployments.apps "web" not found {"name":"web","group":"apps","kind":"deployments"}',
  ],
  [
    status.alreadyExists(services, 'web'),
    '409 AlreadyExists services "web" already exists {"name":"web","kind":"services"}',
  ],
  [
    status.generateNameConflict(services, 'web-x'),
    '409 AlreadyExists services "web-x" already exists, the server was not able to generate a unique name for the object {"name":"web-x","kind":"services","retryAfterSeconds":1}',
  ],
  [
    status.modifiedConflict(services, 'web'),
    '409 Conflict Operation cannot be fulfilled on services "web": the object has been modified; please apply your changes to the latest version and try again {"name":"web","kind":"services"}',
  ],
  [
    status.uidConflict(services, 'web', { key: 'default/web', wanted: 'a', found: 'b' }),
    '409 Conflict Operation cannot be fulfilled on services "web": StorageError: invalid object, Code: 4, Key: /registry/services/specs/default/web, ResourceVersion: 0, AdditionalErrorMsg: Precondition failed: UID in precondition: a, UID in object meta: b {"name":"web","kind":"services"}',
  ],
  [status.badRequest('no'), '400 BadRequest no undefined'],
  [
    status.undecodable(
      { version: 'v1', kind: 'Service' },
      'Service',
      'strict decoding error: unknown field "spec.foo"',
    ),
    '400 BadRequest Service in version "v1" cannot be handled as a Service: strict decoding error: unknown field "spec.foo" undefined',
  ],
  [status.unauthorized(), '401 Unauthorized Unauthorized undefined'],
  [
    status.forbiddenStatus(
      services,
      'web',
      'User "bob" cannot get resource "services" in API group "" in the namespace "default"',
    ),
    '403 Forbidden services "web" is forbidden: User "bob" cannot get resource "services" in API group "" in the namespace "default" {"name":"web","kind":"services"}',
  ],
  [status.forbiddenStatus(services, '', 'no'), '403 Forbidden services is forbidden: no {"kind":"services"}'],
  [
    status.methodNotAllowed(),
    '405 MethodNotAllowed the server does not allow this method on the requested resource {}',
  ],
  [status.noSuchPath(), '404 NotFound the server could not find the requested resource {}'],
  [
    status.notAcceptable(['application/json']),
    '406 NotAcceptable only the following media types are accepted: application/json undefined',
  ],
  [
    status.unsupportedMediaType(['application/json', 'application/yaml']),
    '415 UnsupportedMediaType the body of the request was in an unknown format - accepted media types include: application/json, application/yaml undefined',
  ],
  [status.entityTooLarge(3145728), '413 RequestEntityTooLarge Request entity too large: limit is 3145728 undefined'],
  [status.expiredVersion(5, 10), '410 Expired too old resource version: 5 (10) undefined'],
  [status.tooManyRequests('slow', 1), '429 TooManyRequests slow {"retryAfterSeconds":1}'],
  [status.internalError('boom'), '500 InternalError Internal error occurred: boom {"causes":[{"message":"boom"}]}'],
  [status.serviceUnavailable('later'), '503 ServiceUnavailable later undefined'],
  [status.timeout('late'), '504 Timeout Timeout: late {}'],
  [
    status.tooLargeResourceVersion(9, 5),
    '504 Timeout Timeout: Too large resource version: 9, current: 5 {"causes":[{"reason":"ResourceVersionTooLarge","message":"Too large resource version"}],"retryAfterSeconds":1}',
  ],
];

for (const [found, text] of cases) {
  test(`status ${text.slice(0, 60)}`, () => {
    assert.equal(`${found.code} ${found.reason} ${found.message} ${JSON.stringify(found.details)}`, text);
    assert.equal(found.status, 'Failure');
  });
}
