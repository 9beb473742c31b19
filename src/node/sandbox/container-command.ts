/** What the kernel is told to run in a container. */
export interface ContainerCommand {
  readonly argv: readonly string[];
  readonly env: Readonly<Record<string, string>>;
  /** @default / */
  readonly workingDir?: string | undefined;
}

export const DEFAULT_PATH = '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin';

/** Where a program may lie: as execvp(3) looks for it. */
export function commandCandidates(command: ContainerCommand): readonly string[] {
  const name = command.argv[0] ?? '';
  const base = command.workingDir ?? '/';
  const absolute = (path: string): string => (path.startsWith('/') ? path : `${base}/${path}`);
  if (name.includes('/')) return [absolute(name)];
  const path = command.env['PATH'] ?? DEFAULT_PATH;
  return path.split(':').map((directory) => absolute(`${directory === '' ? '.' : directory}/${name}`));
}
