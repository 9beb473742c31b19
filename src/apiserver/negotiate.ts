import { notAcceptable } from '#api/status.ts';
import { StatusError } from './status-error.ts';

/** The shapes that an answer can be asked for in beside the plain object, as the `as` parameter of Accept names them. */
export type Shape = 'Table' | 'PartialObjectMetadata' | 'PartialObjectMetadataList' | 'APIGroupDiscoveryList';

export interface Negotiated {
  readonly format: 'json' | 'yaml';
  readonly as: Shape | undefined;
  /** Version of the shape's group: v1, v1beta1, v2, v2beta1. */
  readonly version: string;
}

const PLAIN: Negotiated = Object.freeze({ format: 'json', as: undefined, version: '' });

const FORMATS: ReadonlyMap<string, 'json' | 'yaml'> = new Map([
  ['application/json', 'json'],
  ['application/yaml', 'yaml'],
  ['application/*', 'json'],
  ['*/*', 'json'],
]);

/** Versions that we speak of each shape. */
export const OBJECT_SHAPES: Readonly<Partial<Record<Shape, readonly string[]>>> = {
  Table: ['v1', 'v1beta1'],
  PartialObjectMetadata: ['v1', 'v1beta1'],
  PartialObjectMetadataList: ['v1', 'v1beta1'],
};

export const DISCOVERY_SHAPES: Readonly<Partial<Record<Shape, readonly string[]>>> = {
  APIGroupDiscoveryList: ['v2', 'v2beta1'],
};

interface Clause {
  readonly type: string;
  readonly parameters: Readonly<Record<string, string>>;
  readonly quality: number;
}

function parseClause(text: string): Clause {
  const [type = '', ...rest] = text.split(';').map((part) => part.trim());
  const parameters: Record<string, string> = {};
  for (const part of rest) {
    const equals = part.indexOf('=');
    if (equals > 0) parameters[part.slice(0, equals)] = part.slice(equals + 1);
  }
  const quality = Number(parameters['q'] ?? '1');
  return { type, parameters, quality: Number.isNaN(quality) ? 1 : quality };
}

/** The same few headers come with nearly every request. */
const parsed = new Map<string, readonly Clause[]>();

function clausesOf(accept: string): readonly Clause[] {
  let clauses = parsed.get(accept);
  if (clauses === undefined) {
    // Sorting is stable: of equal quality the first one named wins.
    clauses = accept
      .split(',')
      .map(parseClause)
      .sort((a, b) => b.quality - a.quality);
    if (parsed.size > 256) parsed.clear();
    parsed.set(accept, clauses);
  }
  return clauses;
}

/** Chooses the first clause that we can serve; protobuf is never among them, and clients that prefer it also take JSON. */
export function negotiate(
  accept: string | undefined,
  shapes: Readonly<Partial<Record<Shape, readonly string[]>>>,
): Negotiated {
  if (accept === undefined || accept === '') return PLAIN;
  for (const { type, parameters } of clausesOf(accept)) {
    const format = FORMATS.get(type);
    if (format === undefined) continue;
    const as = parameters['as'] as Shape | undefined;
    if (as === undefined) return format === 'json' ? PLAIN : { format, as, version: '' };
    const version = parameters['v'] ?? '';
    if (shapes[as]?.includes(version)) return { format, as, version };
  }
  throw new StatusError(notAcceptable(['application/json', 'application/yaml']));
}
