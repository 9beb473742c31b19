import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import test from 'node:test';
import { HELP, helpOf } from './help.ts';
import { CommandHome } from './testing/command-home.ts';

/** The options of each command in a text that names the commands at the start of lines. */
function optionsOf(text: string, start: RegExp): ReadonlyMap<string, readonly string[]> {
  const options = new Map<string, string[]>();
  let current: string[] = [];
  for (const line of text.split('\n')) {
    const name = start.exec(line)?.[1];
    if (name !== undefined) options.set(name, (current = []));
    for (const [option] of line.matchAll(/--[a-z][a-z-]*/g)) if (!current.includes(option)) current.push(option);
  }
  for (const list of options.values()) list.sort();
  return options;
}

const inHelp = optionsOf(HELP, /^ {2}clusterip (\w+)/);

test('README.md and the help name the same commands and options', () => {
  const readme = readFileSync(new URL('../../README.md', import.meta.url), 'utf8');
  const block = /```\n(bin\/clusterip up[^`]*)```/.exec(readme)?.[1] ?? assert.fail('no list of commands in README.md');
  assert.deepEqual(optionsOf(block, /^bin\/clusterip (\w+)/), inHelp);
});

test('the help fits a terminal', () => {
  for (const line of HELP.split('\n')) assert.ok(line.length <= 120, line);
});

test('each command has a help of its own, asked for in any of the usual ways', async () => {
  using home = new CommandHome();
  const down = `  clusterip down      [--name N | --data-dir D | --all] [--purge] [--kubeconfig F]
                      stop; --purge also deletes the state and the context in the kubeconfig
`;
  for (const args of [
    ['down', '--help'],
    ['down', '--all', '-h'],
    ['help', 'down'],
    ['--help', 'down'],
  ]) {
    assert.deepEqual(await home.run(args), { code: 0, stdout: down, stderr: '' });
  }
  for (const command of inHelp.keys()) assert.match(helpOf(command) ?? '', /^ {2}clusterip /);
});

for (const [command, options] of inHelp) {
  if (options.length === 0 || command === 'kubectl') continue;
  test(`clusterip ${command} knows every option that the help names`, async () => {
    using home = new CommandHome();
    const flags = ['--all', '--purge', '--foreground', '--no-egress', '--check', '--autopath'];
    // Values that are wrong, so that nothing is started; an option that is not known is complained about before.
    const args = options.map((option) => (flags.includes(option) ? option : `${option}=/`));
    const { stderr } = await home.run([command, ...args]);
    assert.doesNotMatch(stderr, /Unknown option|does not take an argument/);
  });
}
