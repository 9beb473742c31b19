import process from 'node:process';
import { CodedError, errorMessage } from '#base/errors.ts';
import { EXIT_FAILURE, EXIT_USAGE } from './exit-codes.ts';
import { asksForHelp, HELP, helpOf } from './help.ts';
import { usageError } from './usage-error.ts';

/** What a subcommand is: it gets its own arguments and returns the exit code. */
type Command = (args: readonly string[]) => Promise<number>;

/** Loaded one at a time: a command should not pay for the code of the others. */
const COMMANDS: Readonly<Record<string, () => Promise<Command>>> = {
  up: async () => (await import('./up.ts')).up,
  down: async () => (await import('./down.ts')).down,
  status: async () => (await import('./status.ts')).status,
  list: async () => (await import('./list.ts')).list,
  node: async () => (await import('./node.ts')).node,
  image: async () => (await import('./image.ts')).image,
  dns: async () => (await import('./dns.ts')).dns,
  proxy: async () => (await import('./proxy.ts')).proxy,
  kubectl: async () => (await import('./kubectl.ts')).kubectl,
};

async function main(argv: readonly string[]): Promise<number> {
  const [name, ...args] = argv;
  if (name === undefined || name === 'help' || name === '--help' || name === '-h') {
    const about = args[0] ?? '';
    const help = about === '' ? HELP : helpOf(about);
    if (help === undefined) throw usageError(`there is no command "${about}"`);
    process.stdout.write(help);
    return name === undefined ? EXIT_USAGE : 0;
  }
  if (name === 'version' || name === '--version') {
    const { VERSION } = await import('#cluster/version.ts');
    process.stdout.write(`clusterip ${VERSION}\n`);
    return 0;
  }
  const load = Object.hasOwn(COMMANDS, name) ? COMMANDS[name] : undefined;
  if (load === undefined) throw usageError(`there is no command "${name}"`);
  if (asksForHelp(args)) {
    process.stdout.write(helpOf(name) ?? HELP);
    return 0;
  }
  const command = await load();
  return command(args);
}

try {
  process.exitCode = await main(process.argv.slice(2));
} catch (error) {
  process.stderr.write(`clusterip: ${errorMessage(error)}\n`);
  if (error instanceof CodedError && error.hint !== undefined) process.stderr.write(`  to fix: ${error.hint}\n`);
  process.exitCode = error instanceof CodedError && error.code === 'EUSAGE' ? EXIT_USAGE : EXIT_FAILURE;
}
