import type { ImageConfig } from './manifest.ts';

/** An image that is here, under one of its names. */
export interface ImageRecord {
  /** In full, as `formatReference` has it. */
  readonly name: string;
  /** Digest of its configuration: the same whatever it is called and wherever it came from. */
  readonly id: string;
  /** By which its registry knows it; undefined when it came from an archive. */
  readonly digest: string | undefined;
  readonly config: ImageConfig;
  /** As it was transferred. */
  readonly bytes: number;
  readonly createdAt: number;
}

/** `imageID` in the status of a container. */
export function imageIdOf({ name, id, digest }: ImageRecord): string {
  return digest === undefined ? id : `${name.replace(/(?::[^/:@]+)?(?:@.*)?$/, '')}@${digest}`;
}
