import type { CharSet } from './char-set.ts';
import { PatternError } from './pattern-error.ts';
import type { Assertion, Node, Repeat } from './tree.ts';

/** One step of a machine that is at many places at once. */
export type Instruction =
  | { readonly op: 'set'; readonly set: CharSet }
  | { readonly op: 'assertion'; readonly assertion: Assertion }
  /** On at `first`, and if that leads nowhere at `second`. */
  | { op: 'split'; first: number; second: number }
  | { op: 'jump'; to: number }
  /** Remembers the place in the text: twice the group where it begins, one more where it ends. */
  | { readonly op: 'save'; readonly slot: number }
  | { readonly op: 'match' };

/** Go has a limit like this one, and other patterns that meet it. */
const MAX_INSTRUCTIONS = 100_000;

export interface CompileOptions {
  /** For errors. */
  readonly pattern: string;
  readonly savesGroups: boolean;
}

export function compileNode(node: Node, options: CompileOptions): readonly Instruction[] {
  const compiler = new Compiler(options);
  compiler.emit(node);
  compiler.add({ op: 'match' });
  return compiler.program;
}

/** Without a target of its own an instruction goes on to the next. */
class Compiler {
  readonly program: Instruction[] = [];
  readonly #pattern: string;
  readonly #savesGroups: boolean;

  constructor({ pattern, savesGroups }: CompileOptions) {
    this.#pattern = pattern;
    this.#savesGroups = savesGroups;
  }

  add<T extends Instruction>(instruction: T): T {
    if (this.program.length >= MAX_INSTRUCTIONS) throw new PatternError('expression too large', this.#pattern);
    this.program.push(instruction);
    return instruction;
  }

  emit(node: Node): void {
    switch (node.kind) {
      case 'empty':
        break;
      case 'set':
        this.add({ op: 'set', set: node.set });
        break;
      case 'assertion':
        this.add({ op: 'assertion', assertion: node.assertion });
        break;
      case 'sequence':
        for (const part of node.parts) this.emit(part);
        break;
      case 'choice':
        this.#emitChoice(node.parts);
        break;
      case 'group':
        this.#emitGroup(node.index, node.part);
        break;
      case 'repeat':
        this.#emitRepeat(node);
        break;
    }
  }

  #emitChoice(parts: readonly Node[]): void {
    const ends = parts.slice(0, -1).map((part) => {
      const split = this.add({ op: 'split', first: this.program.length + 1, second: 0 });
      this.emit(part);
      const end = this.add({ op: 'jump', to: 0 });
      split.second = this.program.length;
      return end;
    });
    const last = parts.at(-1);
    if (last !== undefined) this.emit(last);
    for (const end of ends) end.to = this.program.length;
  }

  #emitGroup(index: number, part: Node): void {
    if (!this.#savesGroups) return this.emit(part);
    this.add({ op: 'save', slot: 2 * index });
    this.emit(part);
    this.add({ op: 'save', slot: 2 * index + 1 });
  }

  #emitRepeat({ part, min, max, greedy }: Repeat): void {
    for (let i = 0; i < (max === Infinity ? min - 1 : min); i++) this.emit(part);
    if (max === Infinity) {
      // As in Go, `*` is `+` or nothing: a part that can be empty is then taken in the right order.
      const entry = min === 0 ? this.add({ op: 'split', first: 0, second: 0 }) : undefined;
      const start = this.program.length;
      this.emit(part);
      const again = this.add({ op: 'split', first: 0, second: 0 });
      for (const split of entry === undefined ? [again] : [entry, again]) {
        aim(split, start, this.program.length, greedy);
      }
      return;
    }
    const splits = Array.from({ length: max - min }, () => {
      const split = this.add({ op: 'split', first: this.program.length + 1, second: 0 });
      this.emit(part);
      return { split, start: split.first };
    });
    for (const { split, start } of splits) aim(split, start, this.program.length, greedy);
  }
}

function aim(split: { first: number; second: number }, into: number, past: number, greedy: boolean): void {
  split.first = greedy ? into : past;
  split.second = greedy ? past : into;
}
