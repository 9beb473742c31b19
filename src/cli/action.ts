import { usageError } from './usage-error.ts';

/** One of the things that a command such as `clusterip image` does. */
export interface Action<Request> {
  readonly act: (request: Request) => Promise<void>;
  /** How many words may follow its name. */
  readonly most: number;
  /** The option that it takes, besides those of the whole command. */
  readonly option?: string;
}

/** What a command line asks for: the first of its words names the action. */
export interface Asked {
  readonly command: string;
  readonly words: readonly string[];
  readonly options: Readonly<Record<string, string | boolean | undefined>>;
}

const ALWAYS = new Set(['name', 'data-dir', 'output']);

/** @throws CodedError `EUSAGE` when no action is meant, or one that does not take what was said. */
export function chosenAction<Request>(
  actions: Readonly<Record<string, Action<Request>>>,
  { command, words, options }: Asked,
): { readonly act: Action<Request>['act']; readonly words: readonly string[] } {
  const [name, ...rest] = words;
  if (name === undefined) throw usageError(`Cannot tell what to do with ${command}s`);
  const action = Object.hasOwn(actions, name) ? actions[name] : undefined;
  if (action === undefined) throw usageError(`Cannot "${command} ${name}"`);
  if (rest.length > action.most) throw usageError(`Unexpected argument '${rest[action.most]}'`);
  const other = Object.keys(options).find((option) => !ALWAYS.has(option) && option !== action.option);
  if (other !== undefined) throw usageError(`Cannot use --${other} with "${command} ${name}"`);
  return { act: action.act, words: rest };
}
