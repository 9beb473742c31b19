import { execFileSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';

const script = fileURLToPath(new URL('../peers/build.sh', import.meta.url));

/** The path of one of the programs that `bench/peers/build.sh` makes; some minutes where it is not there yet. */
export function build(name: string): string {
  return execFileSync(script, [name], { encoding: 'utf8', stdio: ['ignore', 'pipe', 'inherit'] }).trim();
}
