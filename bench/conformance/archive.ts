import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, globSync, mkdtempSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { PEER_VERSION } from '../peers/peer-path.ts';
import { writeTar } from '../../src/node/testing/tar-writer.ts';
import { ourArchitecture } from '../../src/node/testing/test-image.ts';
import { DEBIAN, DEBIAN_PACKAGES, type ImageSpec, layerFiles } from './images.ts';

/**
 * The path of one archive of docker's form in `directory` with the images, each layer once. It is made once for each text of
 * `images.ts`; the one before goes.
 */
export function makeArchive(directory: string, images: readonly ImageSpec[]): string {
  const text = readFileSync(new URL('images.ts', import.meta.url));
  const digest = createHash('sha256').update(text).update(PEER_VERSION).digest('hex').slice(0, 12);
  const file = join(directory, `e2e-images-${digest}.tar`);
  if (existsSync(file)) return file;
  for (const old of globSync(join(directory, 'e2e-images-*.tar'))) rmSync(old);
  const work = mkdtempSync(join(directory, 'images-'));
  try {
    const content = join(work, 'content');
    execFileSync('mkdir', [content]);
    const digests = new Map(
      [...new Set(images.flatMap(({ layers }) => layers))].map((name) => [name, addLayer(name, work)]),
    );
    const entries = images.map(({ tags, layers, config }) => {
      const ids = layers.map((name) => digests.get(name) ?? '');
      const json = JSON.stringify({
        architecture: ourArchitecture(),
        os: 'linux',
        config: { Env: ['PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin'], ...config },
        rootfs: { type: 'layers', diff_ids: ids.map((id) => `sha256:${id}`) },
      });
      const name = `${createHash('sha256').update(json).digest('hex')}.json`;
      writeFileSync(join(content, name), json);
      return { Config: name, RepoTags: tags, Layers: ids.map((id) => `${id}.tar`) };
    });
    writeFileSync(join(content, 'manifest.json'), JSON.stringify(entries));
    execFileSync('tar', ['-cf', join(work, 'all.tar'), '-C', content, '.']);
    renameSync(join(work, 'all.tar'), file);
    return file;
  } finally {
    rmSync(work, { recursive: true, force: true });
  }
}

/** Writes a layer under its digest, which it returns. */
function addLayer(name: string, work: string): string {
  const file = join(work, 'layer.tar');
  if (name === DEBIAN)
    execFileSync('mmdebstrap', ['--quiet', '--variant=minbase', `--include=${DEBIAN_PACKAGES}`, 'bookworm', file]);
  else writeFileSync(file, writeTar((layerFiles[name] as () => Parameters<typeof writeTar>[0])()));
  const digest = createHash('sha256').update(readFileSync(file)).digest('hex');
  renameSync(file, join(work, 'content', `${digest}.tar`));
  return digest;
}
