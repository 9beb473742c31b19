import { validateLabels } from '#api/meta-validation.ts';
import { checkDns1123Subdomain } from '#api/names.ts';
import { CodedError } from '#base/errors.ts';
import { configError } from './address-ranges.ts';

/** A node that a cluster was given; its addresses follow from its number. */
export interface NodeMember {
  readonly name: string;
  /** From 1 on, and not given anew while it is taken. */
  readonly number: number;
  /** Its own; the cluster's come below them. */
  readonly labels: Readonly<Record<string, string>>;
}

export const MAX_NODES = 100;

export const ZONE_LABEL = 'topology.kubernetes.io/zone';

/** What `up` says about all nodes. */
export interface NodeDefaults {
  readonly nodeLabels: Readonly<Record<string, string>>;
  /** Given to the nodes in turn. */
  readonly zones: readonly string[];
}

/** As many as asked for: those that are there already first, the last of them go first. */
export function resizeMembers(present: readonly NodeMember[], count: number): readonly NodeMember[] {
  let members = present.slice(0, count);
  while (members.length < count) members = [...addMember(members, {}).members];
  return members;
}

/** @throws CodedError `EUSAGE` when the name is none, `ECONFIG` when it is taken or there are too many. */
export function addMember(
  members: readonly NodeMember[],
  asked: { readonly name?: string | undefined; readonly labels?: Readonly<Record<string, string>> | undefined },
): { readonly members: readonly NodeMember[]; readonly added: NodeMember } {
  const taken = new Set(members.map(({ number }) => number));
  let number = 1;
  while (taken.has(number)) number++;
  if (number > MAX_NODES) throw refusal(`Cannot add a node: there are ${MAX_NODES} already`, 'remove one first');
  const name = asked.name ?? freeName(members, number);
  if (checkDns1123Subdomain(name).length > 0) {
    throw configError(`Cannot name a node ${JSON.stringify(name)}`, 'use lower-case letters, digits, dashes and dots');
  }
  if (members.some((member) => member.name === name)) {
    throw refusal(`Cannot add node ${JSON.stringify(name)}: there is one already`, 'choose another name');
  }
  const added = { name, number, labels: asked.labels ?? {} };
  // By number, as they are listed.
  return { members: [...members, added].toSorted((a, b) => a.number - b.number), added };
}

/** With what the cluster says about all nodes. */
export function labelsOf({ number, labels }: NodeMember, { nodeLabels, zones }: NodeDefaults): NodeMember['labels'] {
  const zone = zones[(number - 1) % zones.length];
  return { ...nodeLabels, ...(zone === undefined ? {} : { [ZONE_LABEL]: zone }), ...labels };
}

/** Somebody may have given the name that goes with the number to another node. */
function freeName(members: readonly NodeMember[], number: number): string {
  const names = new Set(members.map(({ name }) => name));
  for (let suffix = number; ; suffix++) if (!names.has(`node-${suffix}`)) return `node-${suffix}`;
}

/** `a=b,c=d` with the rules of Kubernetes. @throws CodedError `EUSAGE` */
export function parseLabels(option: string, text: string): Readonly<Record<string, string>> {
  const labels = Object.fromEntries(
    text
      .split(',')
      .filter((part) => part !== '')
      .map((part) => {
        const equals = part.indexOf('=');
        if (equals < 1) throw usage(option, part, 'it must be KEY=VALUE');
        return [part.slice(0, equals), part.slice(equals + 1)];
      }),
  );
  const [problem] = validateLabels(labels, 'labels');
  if (problem !== undefined) throw usage(option, text, problem.detail);
  return labels;
}

function usage(option: string, text: string, why: string): CodedError {
  return new CodedError('EUSAGE', `Cannot read --${option} ${JSON.stringify(text)}: ${why}`, {
    hint: 'see clusterip --help',
  });
}

function refusal(message: string, hint: string): CodedError {
  return new CodedError('ECONFIG', message, { hint });
}
