import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { test } from 'node:test';
import { parseStageFailure, stageProgram } from './stage-program.ts';
import type { Architecture, SystemCall } from './system-call.ts';

const emulators: Readonly<Record<Architecture, string>> = { x64: 'qemu-x86_64-static', arm64: 'qemu-aarch64-static' };

/** Runs the program for real: by itself on its own architecture, by an emulator where there is one. */
function run(calls: (dir: string) => readonly SystemCall[], architecture: Architecture): string | undefined {
  const dir = mkdtempSync(`${tmpdir()}/clusterip-stage-`);
  try {
    const list = calls(dir);
    writeFileSync(`${dir}/program`, stageProgram(list, architecture), { mode: 0o755 });
    const line = architecture === process.arch ? [] : [emulators[architecture]];
    const [file = '', ...args] = [...line, `${dir}/program`];
    const { status, stdout, output, error } = spawnSync(file, args, { stdio: ['ignore', 'pipe', 'inherit', 'pipe'] });
    if (error !== undefined && line.length > 0) return undefined;
    const failure = parseStageFailure(output[3] as unknown as Buffer);
    const file1 = spawnSync('cat', [`${dir}/file`]).stdout.toString();
    const said = failure === undefined ? '' : ` ${list[failure.index]?.action ?? ''}: errno ${failure.errno}`;
    return `${file1}${stdout.toString()}exit ${status ?? -1}${said}`;
  } finally {
    rmSync(dir, { recursive: true, force: true });
  }
}

const cases: readonly { name: string; calls: (dir: string) => readonly SystemCall[]; expected: string }[] = [
  {
    name: 'hands results on, passes over what may fail, and becomes another program',
    calls: (dir) => [
      { name: 'chdir', args: ['/none/such'] },
      { name: 'openat', args: [-100, `${dir}/file`, 0o101, 0o644], label: 'file', action: 'open' },
      { name: 'write', args: [{ resultOf: 'file' }, new TextEncoder().encode('text\n'), 5], action: 'write' },
      { name: 'execve', args: ['/bin/sh', ['sh', '-c', 'echo "$0 $1 $A"', 'é', ''], ['A=b c']], action: 'exec' },
    ],
    expected: 'text\né  b c\nexit 0',
  },
  {
    name: 'stops at the first failure and says which it was',
    calls: () => [
      { name: 'umask', args: [0o22], action: 'set the umask' },
      { name: 'execve', args: ['/none', ['none'], []], action: 'exec "none"' },
      { name: 'exit', args: [0] },
    ],
    expected: 'exit 127 exec "none": errno 2',
  },
];
for (const architecture of ['x64', 'arm64'] as const) {
  for (const { name, calls, expected } of cases) {
    test(`stageProgram() for ${architecture} ${name}`, (t) => {
      const result = run(calls, architecture);
      if (result === undefined) t.skip(`${emulators[architecture]} is not installed`);
      else assert.equal(result, expected);
    });
  }
}

test('parseStageFailure() takes silence for success', () => {
  assert.equal(parseStageFailure(new Uint8Array()), undefined);
  assert.equal(parseStageFailure(readFileSync('/dev/null')), undefined);
});
