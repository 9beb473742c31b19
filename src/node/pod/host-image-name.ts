const NAMES = new Set(['host', 'host:latest', 'docker.io/library/host', 'docker.io/library/host:latest']);

/** Whether an image is the machine's own file system. */
export function isHostImage(image: string): boolean {
  return NAMES.has(image);
}
