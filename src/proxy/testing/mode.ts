import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import process from 'node:process';
import test from 'node:test';
import type { IptablesOptions } from '../iptables/commands-sync.ts';

/** Mode iptables comes in two: on nf_tables, as distributions have it, and the one from before. */
export type Mode = 'nftables' | 'iptables' | 'iptables-legacy';

export const modes: readonly Mode[] = ['nftables', 'iptables', 'iptables-legacy'];

/** undefined for mode nftables. Tests have namespaces of their own: they need not wait for each other's lock. */
export function iptablesOptions(mode: Mode, netns: number): IptablesOptions | undefined {
  if (mode === 'nftables') return undefined;
  const variant = mode === 'iptables' ? 'nft' : 'legacy';
  return { netns, variant, lockFile: join(lockDirectory(), `${netns}.lock`) };
}

let locks: string | undefined;

function lockDirectory(): string {
  if (locks !== undefined) return locks;
  const made = mkdtempSync(join(tmpdir(), 'clusterip-locks-'));
  process.on('exit', () => rmSync(made, { recursive: true, force: true }));
  locks = made;
  return made;
}

/** Why a mode cannot be tested here; false where it can. This thread has to be in a namespace of its own. */
export function skipReason(mode: Mode): string | false {
  const options = iptablesOptions(mode, 0);
  if (options === undefined) return false;
  const program = `iptables-${options.variant}`;
  const env = { PATH: `${process.env['PATH']}:/usr/sbin:/sbin`, XTABLES_LOCKFILE: options.lockFile };
  const { status, error, stderr } = spawnSync(program, ['-t', 'nat', '-S'], { encoding: 'utf8', env });
  if (status === 0) return false;
  return error === undefined ? `${program}: ${stderr.trim()}` : `${program} is not installed`;
}

/** The same behaviour, a test for each mode; one that this machine cannot run is skipped, and says why. */
export function testModes(name: string, body: (mode: Mode) => Promise<void>, some: readonly Mode[] = modes): void {
  for (const mode of some) test(`${mode}: ${name}`, { skip: skipReason(mode) }, () => body(mode));
}
