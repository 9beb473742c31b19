import assert from 'node:assert/strict';
import test from 'node:test';
import {
  ctDirectionType,
  ctStateType,
  ctStatusType,
  fibTypeType,
  integerType,
  interfaceNameType,
  ipv4Type,
  ipv6Type,
  markType,
  portType,
  priorityType,
  protocolType,
  type Datatype,
} from './datatype.ts';
import { encodeValue, formatValue } from './value.ts';

const cases: readonly [Datatype, string, string][] = [
  [ipv4Type, '10.96.0.1', '0a600001'],
  [ipv6Type, 'fd00::1', 'fd000000000000000000000000000001'],
  [protocolType, 'tcp', '06'],
  [protocolType, '200', 'c8'],
  [portType, '443', '01bb'],
  [integerType, '258', '02010000'],
  [markType, '0x00004000', '00400000'],
  [priorityType, '6b70:3', '0300706b'],
  [priorityType, 'none', '00000000'],
  [priorityType, 'root', 'ffffffff'],
  [ctStateType, 'established,related', '06000000'],
  [ctStatusType, 'dnat', '20000000'],
  [ctDirectionType, 'reply', '01'],
  [fibTypeType, 'local', '02000000'],
  [interfaceNameType, '"eth0"', '65746830000000000000000000000000'],
];

for (const [datatype, text, hex] of cases) {
  test(`${datatype.name} ${text} is ${hex}`, () => {
    const bytes = encodeValue(datatype, text);
    assert.equal(Buffer.from(bytes).toString('hex'), hex);
    assert.equal(formatValue(datatype, bytes), text);
  });
}

const malformed: readonly [Datatype, string][] = [
  [ipv4Type, '10.96.0.01'],
  [ipv4Type, '10.96.0'],
  [ipv4Type, '10.96.0.256'],
  [ipv4Type, '10.96.0.1.2'],
  [ipv4Type, 'fd00::1'],
  [ipv6Type, '10.96.0.1'],
  [portType, '65536'],
  [portType, 'http'],
  [portType, '-1'],
  [protocolType, '256'],
  [priorityType, '3'],
  [ctStateType, 'old'],
  [interfaceNameType, 'a-name-of-16-bytes-or-more'],
];
for (const [datatype, text] of malformed) {
  test(`${JSON.stringify(text)} is no ${datatype.name}`, () => {
    assert.throws(() => encodeValue(datatype, text), {
      name: 'RangeError',
      message: `Cannot encode ${JSON.stringify(text)}: it is not a value of type ${datatype.name}`,
    });
  });
}
