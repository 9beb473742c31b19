import { existsSync } from 'node:fs';
import { homedir } from 'node:os';
import { join } from 'node:path';
import process from 'node:process';

/** Of Kubernetes. */
export const PEER_VERSION = 'v1.34.2';

/** Where `build.sh NAME` puts it. */
export function peerPath(name: string, version: string = PEER_VERSION): string {
  const cache = process.env['XDG_CACHE_HOME'] ?? join(homedir(), '.cache');
  return join(cache, 'clusterip-peers', `${name}-${version}`);
}

/** Why it is not on this machine; undefined when it is. */
export function programMissing(name: string, version?: string): string | undefined {
  const path = peerPath(name, version);
  return existsSync(path) ? undefined : `no ${path}: bench/peers/build.sh ${name} makes it`;
}
