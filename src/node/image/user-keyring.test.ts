import assert from 'node:assert/strict';
import { chmodSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname } from 'node:path';
import { after, test } from 'node:test';
import { systemClock } from '#base/clock.ts';
import { buildImage } from '../testing/test-image.ts';
import { registryMissing, TestRegistry } from '../testing/test-registry.ts';
import { type ImageSources, ImageStore } from './image-store-agent.ts';
import { userKeyring } from './user-keyring-agent.ts';

const skip = registryMissing();
const home = mkdtempSync(`${tmpdir()}/clusterip-keyring-`);
const users = { htpasswd: 'me:$2b$05$7tvNu5FwiMA7GpnNwTKMXOVKb6DGhyThVNOZvHIUZDEV37yG3WtZe', login: 'me:secret' };
const registry = skip === false ? new TestRegistry(users) : undefined;
after(async () => {
  await registry?.[Symbol.asyncDispose]();
  rmSync(home, { recursive: true, force: true });
});

const auth = Buffer.from(users.login).toString('base64');
let number = 0;

/** A user who has these files, each with `HOST` for the registry. */
async function userWith(files: Readonly<Record<string, string>>): Promise<{ env: NodeJS.ProcessEnv; host: string }> {
  assert.ok(registry);
  const host = await registry.host();
  const HOME = `${home}/${++number}`;
  mkdirSync(`${HOME}/bin`, { recursive: true });
  for (const [name, text] of Object.entries(files)) {
    mkdirSync(dirname(`${HOME}/${name}`), { recursive: true });
    writeFileSync(`${HOME}/${name}`, text.replaceAll('HOST', host));
    if (name.startsWith('bin/')) chmodSync(`${HOME}/${name}`, 0o755);
  }
  return { env: { HOME, PATH: `${HOME}/bin:${process.env['PATH'] ?? ''}` }, host };
}

async function pulled(image: string, sources: ImageSources): Promise<string> {
  const store = new ImageStore(`${home}/store-${++number}`, systemClock, sources);
  try {
    return (await store.pull(image, { credentials: [], signal: new AbortController().signal })).name;
  } catch (error) {
    assert.ok(error instanceof Error);
    return error.message;
  }
}

const image = buildImage({ layers: [{ compression: 'none', files: [{ path: 'file', data: Buffer.from('text') }] }] });
const HELPER = `#!/bin/sh
read -r server
[ "$1 $server" = "get HOST" ] || { echo "credentials not found in native keychain"; exit 1; }
echo '{"ServerURL":"HOST","Username":"me","Secret":"secret"}'
`;

const opening: Readonly<Record<string, Readonly<Record<string, string>>>> = {
  'docker login': { '.docker/config.json': `{"auths":{"HOST":{"auth":"${auth}"}}}` },
  'podman login': { '.config/containers/auth.json': `{"auths":{"HOST/some":{"auth":"${auth}"}}}` },
  'a helper for the registry': {
    '.docker/config.json': '{"credsStore":"none-such","credHelpers":{"HOST":"mine"}}',
    'bin/docker-credential-mine': HELPER,
  },
  'a helper for all': {
    '.docker/config.json': '{"auths":{"HOST":{}},"credsStore":"mine"}',
    'bin/docker-credential-mine': HELPER,
  },
  'a helper that knows nobody, and a file that does': {
    '.docker/config.json': '{"credsStore":"mine"}',
    '.config/containers/auth.json': `{"auths":{"HOST":{"auth":"${auth}"}}}`,
    'bin/docker-credential-mine': '#!/bin/sh\necho credentials not found in native keychain; exit 1\n',
  },
};

for (const [name, files] of Object.entries(opening)) {
  test(`userKeyring() opens a registry with what there is of ${name}`, { skip }, async () => {
    const { env, host } = await userWith(files);
    await registry?.push(image, 'some/app', 'v1');
    assert.equal(await pulled(`${host}/some/app:v1`, { keyring: userKeyring(env) }), `${host}/some/app:v1`);
    const mirrors = { 'registry.invalid': [`http://${host}`] };
    const name = 'registry.invalid/some/app:v1';
    assert.equal(await pulled(name, { mirrors, keyring: userKeyring(env) }), name);
  });
}

test('a mirror may have user and password in its address', { skip }, async () => {
  const { host } = await userWith({});
  await registry?.push(image, 'some/app', 'v1');
  const mirrors = { 'registry.invalid': [`http://me:secret@${host}/`] };
  assert.equal(await pulled('registry.invalid/some/app:v1', { mirrors }), 'registry.invalid/some/app:v1');
});

test('who is refused hears what is wrong with the helper', { skip }, async () => {
  const refusal = async (files: Readonly<Record<string, string>>): Promise<string> => {
    const { env, host } = await userWith({ '.docker/config.json': '{"credsStore":"mine"}', ...files });
    const message = await pulled(`${host}/some/app:v1`, { keyring: userKeyring(env) });
    return message.replace(/^unexpected status from GET \S+: 401 unauthorized.*(?=\()/, '');
  };
  assert.equal(await refusal({}), '(docker-credential-mine: it is not installed)');
  const broken = '#!/bin/sh\necho no keychain >&2; exit 3\n';
  assert.equal(await refusal({ 'bin/docker-credential-mine': broken }), '(docker-credential-mine: no keychain)');
  const token = `#!/bin/sh\necho '{"Username":"<token>","Secret":"x"}'\n`;
  const words = '(docker-credential-mine: identity tokens are not supported)';
  assert.equal(await refusal({ 'bin/docker-credential-mine': token }), words);
});
