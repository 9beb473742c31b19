import type { LabelSelector, Namespace } from '#api/generated/types.ts';
import { matchesLabels, selectorFromObject } from '#api/label-selector.ts';
import { namespaces } from '#api/resource.ts';
import { notFoundStatus } from '#api/status.ts';
import { find, type ServerContext } from '../../context.ts';
import { StatusError } from '../../status-error.ts';
import type { Write } from './write.ts';

function isEmpty(selector: LabelSelector | undefined): boolean {
  return (selector?.matchExpressions ?? []).length === 0 && Object.keys(selector?.matchLabels ?? {}).length === 0;
}

/** Whether the object is chosen, as it was or as it is to be. */
export function matchesObject({ object, old, operation }: Write, selector: LabelSelector | undefined): boolean {
  if (isEmpty(selector)) return true;
  // What is asked of a connection has no labels.
  if (operation === 'CONNECT') return false;
  const parsed = selectorFromObject(selector);
  return [object, old].some((one) => one !== undefined && matchesLabels(parsed, one.metadata.labels));
}

/** Whether the namespace that the write is in is chosen, or that it is about; all else is. */
export function matchesNamespace(write: Write, selector: LabelSelector | undefined): boolean {
  const { server, kind, namespace, object, old } = write;
  if (isEmpty(selector)) return true;
  const isNamespace = kind.resource.group === '' && kind.resource.plural === namespaces.plural;
  if (isNamespace) return matchesLabels(selectorFromObject(selector), (object ?? old)?.metadata.labels);
  if (namespace === undefined) return true;
  return matchesLabels(selectorFromObject(selector), namespaceOf(server, namespace).metadata.labels);
}

function namespaceOf(server: ServerContext, name: string): Namespace {
  const found = find(server, namespaces, name);
  if (found === undefined) throw new StatusError(notFoundStatus(namespaces, name));
  return found;
}
