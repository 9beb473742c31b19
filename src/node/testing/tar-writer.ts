/** One entry of an archive that a test builds; everything but the path has a default. */
export interface TarFile {
  readonly path: string;
  readonly data?: string | Uint8Array;
  /** As the archive has it: 0 file, 1 link, 2 symlink, 3 device, 5 directory, 6 fifo. @default 0 */
  readonly type?: string;
  readonly link?: string;
  readonly mode?: number;
  readonly uid?: number;
  readonly gid?: number;
  /** Whole seconds since 1970. */
  readonly mtime?: number;
}

/** A plain ustar file, headers and all. */
export function writeTar(files: readonly TarFile[]): Buffer {
  const blocks = files.flatMap((file) => {
    const data = Buffer.from(file.data ?? '');
    return [header(file, data.length), data, Buffer.alloc((512 - (data.length % 512)) % 512)];
  });
  return Buffer.concat([...blocks, Buffer.alloc(1024)]);
}

function header(
  { path, type = '0', link = '', mode, uid = 0, gid = 0, mtime = 1_700_000_000 }: TarFile,
  size: number,
): Buffer {
  const block = Buffer.alloc(512);
  const octal = (value: number, at: number, length: number): void => {
    block.write(value.toString(8).padStart(length - 1, '0'), at);
  };
  block.write(path, 0);
  octal(mode ?? (type === '5' ? 0o755 : 0o644), 100, 8);
  octal(uid, 108, 8);
  octal(gid, 116, 8);
  octal(size, 124, 12);
  if (mtime >= 0) octal(mtime, 136, 12);
  else block.fill(0xff, 136, 140).writeBigInt64BE(BigInt(mtime), 140);
  block.write('        ', 148);
  block.write(type, 156);
  block.write(link, 157);
  block.write('ustar\x0000', 257);
  octal(
    block.reduce((sum, byte) => sum + byte, 0),
    148,
    7,
  );
  block.write('\0 ', 154);
  return block;
}
