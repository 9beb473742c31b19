import { spawn } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { errorCode, errorMessage } from '#base/errors.ts';
import { type Credentials, credentialsInFile, type HelperCall, helperFor } from './credentials.ts';
import type { Keyring, KeyringAnswer } from './keyring.ts';
import type { ImageReference } from './reference.ts';

const HELPER_MS = 30_000;

/**
 * What `docker login` and `podman login` left, in their files or with a credential helper. Read each time: the user may
 * log in at any time. To be called on a thread that is on the machine's network, where helpers may have to ask somebody.
 */
export function userKeyring(env: NodeJS.ProcessEnv): Keyring {
  return async (reference) => {
    const answers = await Promise.all(filesOf(env).map((file) => askFile(file, reference, env)));
    return {
      credentials: answers.flatMap(({ credentials }) => credentials),
      problems: answers.flatMap(({ problems }) => problems),
    };
  };
}

/** containers-auth.json(5), then Docker's. */
function filesOf({ REGISTRY_AUTH_FILE, DOCKER_CONFIG, XDG_RUNTIME_DIR, HOME = '/' }: NodeJS.ProcessEnv): string[] {
  const files = [
    REGISTRY_AUTH_FILE,
    XDG_RUNTIME_DIR && join(XDG_RUNTIME_DIR, 'containers', 'auth.json'),
    join(HOME, '.config', 'containers', 'auth.json'),
    join(DOCKER_CONFIG || join(HOME, '.docker'), 'config.json'),
  ];
  return files.flatMap((file) => file || []);
}

async function askFile(file: string, reference: ImageReference, env: NodeJS.ProcessEnv): Promise<KeyringAnswer> {
  let text: string;
  try {
    text = readFileSync(file, 'utf8');
  } catch (error) {
    const problems = errorCode(error) === 'EACCES' ? [`${file} may not be read`] : [];
    return { credentials: [], problems };
  }
  const credentials = credentialsInFile(reference, text);
  const call = helperFor(reference, text);
  if (call === undefined) return { credentials, problems: [] };
  try {
    return { credentials: [...(await askHelper(call, env)), ...credentials], problems: [] };
  } catch (error) {
    return { credentials, problems: [`docker-credential-${call.helper}: ${errorMessage(error)}`] };
  }
}

/** docker-credential-helpers: `get` reads the server from its input, and answers in JSON. */
async function askHelper({ helper, server }: HelperCall, env: NodeJS.ProcessEnv): Promise<readonly Credentials[]> {
  const child = spawn(`docker-credential-${helper}`, ['get'], {
    env,
    stdio: ['pipe', 'pipe', 'pipe'],
    timeout: HELPER_MS,
    killSignal: 'SIGKILL',
  });
  const text = { out: '', err: '' };
  child.stdout.on('data', (chunk: Buffer) => void (text.out += chunk.toString()));
  child.stderr.on('data', (chunk: Buffer) => void (text.err += chunk.toString()));
  // One that does not read is told by how it ends.
  child.stdin.on('error', () => {});
  child.stdin.end(server);
  const code = await new Promise<number | null>((resolve, reject) => {
    child.once('error', (error) => reject(errorCode(error) === 'ENOENT' ? new Error('it is not installed') : error));
    child.once('close', resolve);
  });
  if (code !== 0) {
    const words = (text.out + text.err).trim();
    // IsErrCredentialsNotFoundMessage
    if (words.includes('credentials not found')) return [];
    throw new Error(code === null ? 'it did not answer' : words || `it ended with ${code}`);
  }
  const { Username, Secret } = JSON.parse(text.out) as { readonly Username?: string; readonly Secret?: string };
  if (Username === '<token>') throw new Error('identity tokens are not supported');
  return Username === undefined || Secret === undefined ? [] : [{ username: Username, password: Secret }];
}
