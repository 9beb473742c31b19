/** Every check of the tree in one command, each named, all run even when one fails: `npm run ok`. */
import { spawnSync } from 'node:child_process';
import process from 'node:process';

const node = process.execPath;
const checks: readonly (readonly [string, string, ...string[]])[] = [
  ['format', 'node_modules/.bin/oxfmt', '--check', '.'],
  ['lint config', node, 'tools/lint-config.ts', '--check'],
  ['lint', 'node_modules/.bin/oxlint', '--type-aware', '--deny-warnings'],
  ['types', 'node_modules/.bin/tsc', '-p', '.'],
  ['unused', 'node_modules/.bin/knip'],
  ['tests', node, 'tools/test.ts'],
];

const failed: string[] = [];
for (const [name, command, ...args] of checks) {
  console.log(`== ${name}`);
  if (spawnSync(command, args, { stdio: 'inherit' }).status !== 0) failed.push(name);
}
console.log(failed.length === 0 ? 'ok' : `failed: ${failed.join(', ')}`);
process.exit(failed.length === 0 ? 0 : 1);
