import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, mkdtempSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { writeTar } from '../../src/node/testing/tar-writer.ts';
import { ourArchitecture } from '../../src/node/testing/test-image.ts';
import { DEBIAN, DEBIAN_PACKAGES, type ImageSpec, layerFiles } from './images.ts';

/** Puts the images into one archive of docker's form, `file`, each layer once; does nothing where it is there. */
export function makeArchive(file: string, images: readonly ImageSpec[]): void {
  if (existsSync(file)) return;
  const work = mkdtempSync(join(dirname(file), 'images-'));
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
