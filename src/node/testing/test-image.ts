import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { gzipSync, zstdCompressSync } from 'node:zlib';
import { writeTar, type TarFile } from './tar-writer.ts';

export interface TestLayer {
  readonly files: readonly TarFile[];
  readonly compression?: 'gzip' | 'zstd' | 'none';
}

export interface TestImageSpec {
  readonly layers: readonly TestLayer[];
  readonly config?: Readonly<Record<string, unknown>>;
  readonly architecture?: string;
  /** What the configuration says of the layers, where that is not the truth. */
  readonly diffIds?: readonly string[];
}

/** An image as its blobs, by digest; `manifest` and `config` are two of them. */
export interface TestImage {
  readonly blobs: ReadonlyMap<string, Buffer>;
  readonly manifest: string;
  readonly config: string;
  /** The layers without compression, as docker-archive has them. */
  readonly plainLayers: readonly Buffer[];
}

export const OCI_MANIFEST = 'application/vnd.oci.image.manifest.v1+json';

export function digestOf(bytes: Uint8Array): string {
  return `sha256:${createHash('sha256').update(bytes).digest('hex')}`;
}

export function buildImage({
  layers,
  config = {},
  architecture = ourArchitecture(),
  diffIds,
}: TestImageSpec): TestImage {
  const blobs = new Map<string, Buffer>();
  const add = (bytes: Buffer): { readonly digest: string; readonly size: number } => {
    const digest = digestOf(bytes);
    blobs.set(digest, bytes);
    return { digest, size: bytes.length };
  };
  const plainLayers = layers.map(({ files }) => writeTar(files));
  const packed = layers.map(({ compression = 'gzip' }, index) => {
    const plain = plainLayers[index] ?? Buffer.alloc(0);
    const bytes = compression === 'gzip' ? gzipSync(plain) : compression === 'zstd' ? zstdCompressSync(plain) : plain;
    const suffix = compression === 'none' ? '' : `+${compression}`;
    return { mediaType: `application/vnd.oci.image.layer.v1.tar${suffix}`, ...add(Buffer.from(bytes)) };
  });
  const configJson = {
    architecture,
    os: 'linux',
    config,
    rootfs: { type: 'layers', diff_ids: diffIds ?? plainLayers.map(digestOf) },
  };
  const configBlob = add(Buffer.from(JSON.stringify(configJson)));
  const manifest = {
    schemaVersion: 2,
    mediaType: OCI_MANIFEST,
    config: { mediaType: 'application/vnd.oci.image.config.v1+json', ...configBlob },
    layers: packed,
  };
  return {
    blobs,
    manifest: add(Buffer.from(JSON.stringify(manifest))).digest,
    config: configBlob.digest,
    plainLayers,
  };
}

export function ourArchitecture(): string {
  return process.arch === 'x64' ? 'amd64' : process.arch;
}

/** A root file system with the programs of busybox, which needs no libraries. */
export function busyboxLayer(): TestLayer {
  const programs = [
    'sh',
    'sleep',
    'cat',
    'id',
    'ls',
    'echo',
    'env',
    'pwd',
    'stat',
    'touch',
    'test',
    'wc',
    'mkdir',
    'hostname',
  ];
  return {
    files: [
      { path: 'bin/', type: '5' },
      { path: 'bin/busybox', data: readFileSync('/bin/busybox'), mode: 0o755 },
      ...programs.map((name) => ({ path: `bin/${name}`, type: '2', link: 'busybox' })),
      { path: 'etc/', type: '5' },
      { path: 'etc/passwd', data: 'root:x:0:0::/root:/bin/sh\napp:x:1000:1000::/srv:/bin/sh\n' },
      { path: 'etc/group', data: 'root:x:0:\napp:x:1000:\n' },
      { path: 'tmp/', type: '5', mode: 0o1777 },
    ],
  };
}
