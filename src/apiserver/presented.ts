import type { KindDefinition } from '#api/kind.ts';
import type { KubeObject } from '#api/object.ts';

/** An object to be sent; `text` is its JSON where it is at hand. */
export interface Sendable {
  readonly object: KubeObject;
  readonly text?: string | undefined;
}

/** A stored object as a kind shows it: most show what is stored. */
export function presented(kind: KindDefinition, stored: KubeObject): KubeObject {
  return kind.present?.(stored) ?? stored;
}

/** The same with its JSON, which is only kept where it is of what is shown. */
export function presentedText(kind: KindDefinition, sendable: Sendable): Sendable {
  const object = presented(kind, sendable.object);
  return object === sendable.object ? sendable : { object };
}

/** An object as it is stored. */
export function persisted(kind: KindDefinition, shown: KubeObject): KubeObject {
  return kind.persist?.(shown) ?? shown;
}
