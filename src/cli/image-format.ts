/** Without what docker leaves out: `nginx:1.27` for `docker.io/library/nginx:1.27`. */
export function shortName(name: string): string {
  return name.replace(/^docker\.io\/(?:library\/)?/, '');
}

const UNITS = ['B', 'kB', 'MB', 'GB', 'TB'];

/** In powers of 1000, as registries and disks count. */
export function formatBytes(bytes: number): string {
  let value = bytes;
  let unit = 0;
  while (value >= 999.5 && unit < UNITS.length - 1) {
    value /= 1000;
    unit++;
  }
  return `${unit === 0 || value >= 99.95 ? Math.round(value) : value.toFixed(1)} ${UNITS[unit] ?? ''}`;
}

/** As kubectl has it, in one unit. */
export function formatAge(milliseconds: number): string {
  const seconds = Math.max(0, Math.floor(milliseconds / 1000));
  if (seconds < 120) return `${seconds}s`;
  if (seconds < 7200) return `${Math.floor(seconds / 60)}m`;
  if (seconds < 172_800) return `${Math.floor(seconds / 3600)}h`;
  return `${Math.floor(seconds / 86_400)}d`;
}
