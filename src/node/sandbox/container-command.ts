/** What the kernel is told to run in a container. */
export interface ContainerCommand {
  readonly argv: readonly string[];
  readonly env: Readonly<Record<string, string>>;
  /** @default / */
  readonly workingDir?: string | undefined;
}

export const DEFAULT_PATH = '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin';

export interface Launcher {
  readonly unshare: string;
  readonly setsid: string;
}

/**
 * The command line that enters `root` and becomes `command`. The procfs has to be mounted by the process itself, because
 * it shows the pid namespace of the one who mounts it.
 */
export function launchLine(
  launcher: Launcher,
  root: string,
  command: ContainerCommand,
  options: { readonly tty: boolean },
): readonly string[] {
  return [
    ...(options.tty ? [launcher.setsid, '--ctty'] : []),
    launcher.unshare,
    `--root=${root}`,
    `--wd=${command.workingDir ?? '/'}`,
    '--mount-proc=/proc',
    '--',
    ...command.argv,
  ];
}

/** Where a program may lie: as execvp(3) looks for it. */
export function commandCandidates(command: ContainerCommand): readonly string[] {
  const name = command.argv[0] ?? '';
  const base = command.workingDir ?? '/';
  const absolute = (path: string): string => (path.startsWith('/') ? path : `${base}/${path}`);
  if (name.includes('/')) return [absolute(name)];
  const path = command.env['PATH'] ?? DEFAULT_PATH;
  return path.split(':').map((directory) => absolute(`${directory === '' ? '.' : directory}/${name}`));
}
