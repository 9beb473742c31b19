import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Secret } from '#api/generated/types.ts';
import { credentialsFor } from './credentials.ts';
import { formatReference, parseReference, registryUrl } from './reference.ts';

const digest = `sha256:${'0'.repeat(64)}`;

const cases = [
  { image: 'nginx', full: 'https://registry-1.docker.io docker.io/library/nginx:latest' },
  { image: 'nginx:1.27-alpine', full: 'https://registry-1.docker.io docker.io/library/nginx:1.27-alpine' },
  { image: 'me/app', full: 'https://registry-1.docker.io docker.io/me/app:latest' },
  { image: 'index.docker.io/me/app:1', full: 'https://registry-1.docker.io docker.io/me/app:1' },
  { image: `ghcr.io/a/b/c@${digest}`, full: `https://ghcr.io ghcr.io/a/b/c@${digest}` },
  { image: `ghcr.io/a:v1@${digest}`, full: `https://ghcr.io ghcr.io/a:v1@${digest}` },
  { image: 'localhost/app', full: 'http://localhost localhost/app:latest' },
  { image: '127.0.0.1:5000/app', full: 'http://127.0.0.1:5000 127.0.0.1:5000/app:latest' },
  { image: '[::1]:5000/app', full: 'http://[::1]:5000 [::1]:5000/app:latest' },
  { image: 'registry:5000/app', full: 'https://registry:5000 registry:5000/app:latest' },
  { image: '127.evil.com/app', full: 'https://127.evil.com 127.evil.com/app:latest' },
  { image: 'app:', full: 'InvalidImageName' },
  { image: 'App', full: 'InvalidImageName' },
  { image: 'a//b', full: 'InvalidImageName' },
  { image: 'a/../b', full: 'InvalidImageName' },
  { image: 'app@sha256:12', full: 'InvalidImageName' },
  { image: '', full: 'InvalidImageName' },
];
for (const { image, full } of cases) {
  test(`parseReference(${JSON.stringify(image)})`, () => {
    let found: string;
    try {
      const reference = parseReference(image);
      found = `${registryUrl(reference.registry)} ${formatReference(reference)}`;
    } catch (error) {
      found = (error as { code: string }).code;
    }
    assert.equal(found, full);
  });
}

test('a name with capitals is told what is wrong with it', () => {
  assert.throws(() => parseReference('MyApp:1'), {
    message:
      'couldn\'t parse image name "MyApp:1": invalid reference format: repository name (library/MyApp) must be lowercase',
  });
});

test('credentialsFor() takes what is for the registry, the longest path first', () => {
  const auth = (name: string): { auth: string } => ({ auth: Buffer.from(`${name}:p:w`).toString('base64') });
  const auths = {
    'https://index.docker.io/v1/': auth('hub'),
    'registry.example.com': auth('plain'),
    'registry.example.com/team': auth('team'),
    'registry.example.com/other': auth('other'),
    '*.example.com': { username: 'star', password: 'x' },
  };
  const secret = {
    data: { '.dockerconfigjson': Buffer.from(JSON.stringify({ auths })).toString('base64') },
  } as unknown as Secret;
  const broken = { data: { '.dockerconfigjson': 'bm90IGpzb24=' } } as unknown as Secret;
  const of = (image: string): string =>
    credentialsFor(parseReference(image), [broken, secret])
      .map(({ username, password }) => `${username}/${password}`)
      .join(' ');
  assert.deepEqual(
    [of('nginx'), of('registry.example.com/team/app'), of('registry.example.com/teams'), of('other.org/x')],
    ['hub/p:w', 'team/p:w plain/p:w star/x', 'plain/p:w star/x', ''],
  );
});
