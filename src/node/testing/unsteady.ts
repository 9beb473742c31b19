import { spawn } from 'node:child_process';
import { once } from 'node:events';

export interface Unsteady {
  /** In one of the test's own, where the next file is made. */
  readonly directory: string;
  readonly name: string;
  readonly kind: 'directory' | 'file';
  /** Where the link leads to. */
  readonly outside: string;
}

/** Calls `body` while another process makes `name` by turns what it is and a link, as fast as it can. */
export async function whileUnsteady({ directory, name, kind, outside }: Unsteady, body: () => void): Promise<void> {
  // What the body makes may be in its way: then it goes on with the next step.
  const script = `
    const fs = require('node:fs');
    const [name, kind, outside] = process.argv.slice(1);
    const next = '../next';
    const steps = kind === 'directory' ? [
      () => fs.rmSync(name, { recursive: true }),
      () => fs.symlinkSync(outside, name),
      () => fs.unlinkSync(name),
      () => fs.mkdirSync(name),
    ] : [
      () => fs.symlinkSync(outside, next),
      () => fs.renameSync(next, name),
      () => fs.writeFileSync(next, ''),
      () => fs.renameSync(next, name),
    ];
    fs.writeSync(1, 'begun');
    for (;;) for (const step of steps) try { step(); } catch {}
  `;
  const args = ['-e', script, name, kind, outside];
  const child = spawn(process.execPath, args, { cwd: directory, stdio: ['ignore', 'pipe', 'inherit'] });
  try {
    await once(child.stdout, 'data');
    body();
  } finally {
    child.kill('SIGKILL');
    await once(child, 'exit');
  }
}
