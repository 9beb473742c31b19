import { spawn } from 'node:child_process';
import { constants } from 'node:os';
import process from 'node:process';
import { CodedError, errorCode } from '#base/errors.ts';
import { existingStateDir, readOptions } from './options.ts';

/** Runs the kubectl of PATH on the cluster; its exit code is ours. */
export async function kubectl(args: readonly string[]): Promise<number> {
  const own = ownOptions(args);
  const rest = args.slice(own.length + (args[own.length] === '--' ? 1 : 0));
  const dir = existingStateDir(readOptions(own, { name: 'string', 'data-dir': 'string' }));
  // Before there is a kubectl that could outlive us. The terminal sends Ctrl-C to both of us; kubectl decides.
  process.on('SIGINT', () => {});
  for (const name of ['SIGTERM', 'SIGHUP'] as const) process.on(name, () => child.kill(name));
  const child = spawn('kubectl', rest, {
    stdio: 'inherit',
    env: { ...process.env, KUBECONFIG: dir.kubeconfigFile },
  });
  return new Promise((resolve, reject) => {
    child.once('error', (error) =>
      reject(
        errorCode(error) === 'ENOENT'
          ? new CodedError('ENOKUBECTL', 'Cannot find kubectl on PATH', {
              hint: 'install it (Debian: apt-get install kubernetes-client)',
            })
          : error,
      ),
    );
    child.once('exit', (code, signal) => resolve(signal === null ? (code ?? 1) : 128 + constants.signals[signal]));
  });
}

/** Our own options end at the first word that is none of them; a `--` further on, as `exec` takes it, is kubectl's. */
function ownOptions(args: readonly string[]): readonly string[] {
  let end = 0;
  while (end < args.length) {
    const word = args[end] ?? '';
    if (/^--(name|data-dir)=/.test(word)) end += 1;
    else if (word === '--name' || word === '--data-dir') end += 2;
    else break;
  }
  return args.slice(0, end);
}
