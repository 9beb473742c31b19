/** A kind as far as OpenAPI documents tell of it. `KindDefinition` has all of this; custom kinds bring a schema. */
export interface OpenApiKind {
  /** Empty for the core group. */
  readonly group: string;
  readonly version: string;
  readonly kind: string;
  readonly plural: string;
  readonly namespaced: boolean;
  /** Name of the model in FIELDS; absent for kinds of CustomResourceDefinitions. */
  readonly model?: string | undefined;
  /** OpenAPI v3 schema of a kind without a model. */
  readonly schema?: Readonly<Record<string, unknown>> | undefined;
  readonly verbs: readonly string[];
  readonly subresources: readonly OpenApiSubresource[];
}

export interface OpenApiSubresource {
  readonly name: string;
  readonly verbs: readonly string[];
  /** The kind that the subresource speaks, where it is not the resource's own: `autoscaling/v1 Scale`. */
  readonly kind?: GroupVersionKind | undefined;
}

export interface GroupVersionKind {
  readonly group: string;
  readonly version: string;
  readonly kind: string;
}

/** `api/v1` or `apis/apps/v1`: the key of a group-version's document. */
export function groupVersionPath(at: { readonly group: string; readonly version: string }): string {
  return at.group === '' ? `api/${at.version}` : `apis/${at.group}/${at.version}`;
}
