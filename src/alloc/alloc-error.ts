import { CodedError } from '#base/errors.ts';

/** The texts are Kubernetes' own: clients print them, and scripts look for them. */
export function rangeFull(): CodedError {
  return new CodedError('ERANGEFULL', 'range is full');
}

export function alreadyAllocated(what: 'IP' | 'port'): CodedError {
  return new CodedError('EALLOCATED', `provided ${what} is already allocated`);
}

/** Of another block altogether. */
export function otherNetwork(): CodedError {
  return new CodedError('EOUTOFRANGE', 'the provided network does not match the current range');
}

/** Of this block, but not given to anyone: the network's own address, IPv4 broadcast. */
export function ipNotInRange(ip: string, cidr: string): CodedError {
  return new CodedError(
    'EOUTOFRANGE',
    `the provided IP (${ip}) is not in the valid range. The range of valid IPs is ${cidr}`,
  );
}

export function portNotInRange(range: string): CodedError {
  return new CodedError('EOUTOFRANGE', `provided port is not in the valid range. The range of valid ports is ${range}`);
}
