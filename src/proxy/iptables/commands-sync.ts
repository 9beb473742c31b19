import { spawn } from 'node:child_process';
import { accessSync, constants } from 'node:fs';
import { join } from 'node:path';
import process from 'node:process';
import { CodedError } from '#base/errors.ts';
import type { IpFamily } from '#base/ip.ts';
import type { NfacctSocket } from '#netlink/nfacct-socket.ts';
import type { TableName } from './base-rules.ts';

export interface IptablesOptions {
  /** Of the same network namespace; absent, and packets are not counted. */
  readonly counters?: NfacctSocket | undefined;
  /** Descriptor of the network namespace that is meant; absent for the one that this thread is in. */
  readonly netns?: number | undefined;
  /** Which of the two implementations, where both are installed. @default what `iptables` stands for */
  readonly variant?: 'nft' | 'legacy' | undefined;
  /** What the legacy implementation locks: /run/xtables.lock belongs to root. @default its own */
  readonly lockFile?: string | undefined;
  /** How long a program may wait for the lock, in seconds. @default 5, as kube-proxy has it */
  readonly lockSeconds?: number | undefined;
  /** Where iptables' programs are looked for. @default PATH, and where only root has it: /usr/local/sbin, /usr/sbin, /sbin */
  readonly path?: string | undefined;
}

/** What the programs exit with for anything that is not there; 2 is for what cannot be read. */
const NO_SUCH_CHAIN = 1;
/** RESOURCE_PROBLEM: somebody else has the lock, or the kernel is busy. */
const BUSY = 4;
/** Of nf_tables: somebody has put a rule into one of iptables' tables that it has no words for. */
const INCOMPATIBLE = /is incompatible, use 'nft' tool/;

class CommandError extends CodedError {
  readonly exit: number | NodeJS.Signals;

  constructor(message: string, exit: number | NodeJS.Signals) {
    const isLocked = exit === BUSY && message.includes('xtables lock');
    const hint = 'find out who holds it, as with `fuser /run/xtables.lock`; it is waited for again';
    super(isLocked ? 'EXTABLESLOCK' : 'EIPTABLES', message, isLocked ? { hint } : {});
    this.exit = exit;
  }
}

const LOCK_SECONDS = 5;
const SBIN = '/usr/local/sbin:/usr/sbin:/sbin';

type Program = 'command' | 'restore' | 'save';

/** Runs iptables' programs for one family. Each call holds the lock, if any, for itself alone. */
export class IptablesCommands {
  readonly family: IpFamily;
  readonly #options: IptablesOptions;
  readonly #own = new Set<number>();
  readonly #env: NodeJS.ProcessEnv;

  constructor(family: IpFamily, options: IptablesOptions = {}) {
    this.family = family;
    this.#options = options;
    const { lockFile } = options;
    const locked = lockFile === undefined ? {} : { XTABLES_LOCKFILE: lockFile };
    this.#env = { PATH: `${process.env['PATH'] ?? ''}:${SBIN}`, LC_ALL: 'C', ...locked };
  }

  /** Applies the input of `iptables-restore --noflush`, each table of it at once. */
  async restore(input: string): Promise<void> {
    await this.#run('restore', [...this.#wait(), '--noflush'], input);
  }

  /** What is in a table, in the format of `restore`. @throws where it cannot all be said so */
  async save(table: TableName): Promise<string> {
    const saved = await this.#run('save', ['-t', table]);
    if (INCOMPATIBLE.test(saved)) throw incompatible(this.family, table);
    return saved;
  }

  /** The rules of one chain, a line each; undefined where there is no such chain. */
  async list(table: TableName, chain: string): Promise<readonly string[] | undefined> {
    try {
      const output = await this.#run('command', [...this.#wait(), '-t', table, '-S', chain]);
      return output.trim().split('\n');
    } catch (error) {
      if (error instanceof CommandError && error.exit === NO_SUCH_CHAIN) return undefined;
      throw error;
    }
  }

  /** `iptables v1.8.9 (nf_tables)` */
  async version(): Promise<string> {
    return (await this.#run('command', ['--version'])).trim();
  }

  /** Whether a netlink port belongs to a program that was run here of late: the kernel names it by the process. */
  isOwn(portId: number): boolean {
    return this.#own.has(portId);
  }

  #wait(): readonly string[] {
    return ['-w', String(this.#options.lockSeconds ?? LOCK_SECONDS)];
  }

  #name(program: Program): string {
    const { variant } = this.#options;
    const name = this.family === 4 ? 'iptables' : 'ip6tables';
    return [name, ...(variant === undefined ? [] : [variant]), ...(program === 'command' ? [] : [program])].join('-');
  }

  /** @throws CodedError `ENOIPTABLES`; `EIPTABLES` with what the program said */
  async #run(program: Program, args: readonly string[], input: string = ''): Promise<string> {
    const name = this.#name(program);
    const path = findProgram(name, this.#options.path ?? this.#env['PATH'] ?? '');
    const { netns } = this.#options;
    // A thread cannot enter a namespace and come back everywhere; a process of its own can always enter.
    const command = netns === undefined ? [path, ...args] : ['nsenter', '--net=/proc/self/fd/3', path, ...args];
    const [file = '', ...rest] = command;
    const child = spawn(file, rest, {
      env: this.#env,
      stdio: ['pipe', 'pipe', 'pipe', ...(netns === undefined ? [] : [netns])],
    });
    if (child.pid !== undefined) this.#remember(child.pid);
    const { stdin, stdout, stderr } = child;
    // One that ends early says why on standard error.
    stdin?.on('error', () => {});
    stdin?.end(input);
    const [output, errors, code] = await Promise.all([
      collect(stdout),
      collect(stderr),
      new Promise<number | NodeJS.Signals>((resolve, reject) => {
        child.once('error', reject);
        child.once('close', (exit, signal) => resolve(exit ?? signal ?? 0));
      }),
    ]);
    if (code === 0) return output;
    const said = errors.trim().split('\n').slice(0, 5).join('; ');
    throw new CommandError(`${name} failed with ${code}: ${said}${failedLine(said, input)}`, code);
  }

  #remember(pid: number): void {
    this.#own.add(pid);
    const [oldest] = this.#own;
    if (this.#own.size > 64 && oldest !== undefined) this.#own.delete(oldest);
  }
}

function incompatible(family: IpFamily, table: TableName): CodedError {
  const nft = `nft list table ${family === 4 ? 'ip' : 'ip6'} ${table}`;
  return new CodedError(
    'EIPTABLES',
    `Cannot read the table ${table} of iptables: it has rules that only nft can read`,
    {
      hint: `move those into a table of another name, \`${nft}\` shows them, or use mode nftables`,
    },
  );
}

function findProgram(name: string, path: string): string {
  for (const directory of path.split(':')) {
    if (directory === '') continue;
    try {
      accessSync(join(directory, name), constants.X_OK);
      return join(directory, name);
    } catch {
      // The next one may have it.
    }
  }
  throw new CodedError('ENOIPTABLES', `Cannot find the command "${name}", which mode iptables runs`, {
    hint: 'install the package iptables, or use mode nftables, which needs no command',
  });
}

async function collect(stream: NodeJS.ReadableStream | null): Promise<string> {
  const chunks: Buffer[] = [];
  for await (const chunk of stream ?? []) chunks.push(chunk as Buffer);
  return Buffer.concat(chunks).toString('utf8');
}

/** `iptables-restore: line 7 failed` alone helps nobody. */
function failedLine(said: string, input: string): string {
  const number = /line:? (\d+)/.exec(said)?.[1];
  const line = number === undefined ? undefined : input.split('\n')[Number(number) - 1];
  return line === undefined || line === '' ? '' : `, at "${line}"`;
}
