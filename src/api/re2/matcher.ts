import type { Instruction } from './program.ts';
import type { Assertion } from './tree.ts';

/** Where a match is, in UTF-16 units. */
export interface Match {
  readonly start: number;
  readonly end: number;
}

/** Places in the program in the order of their preference, each with the start of the match that it is part of. */
class Threads {
  readonly places: Uint32Array;
  readonly starts: Uint32Array;
  readonly #seen: Uint32Array;
  #round = 1;
  count = 0;

  constructor(size: number) {
    this.places = new Uint32Array(size);
    this.starts = new Uint32Array(size);
    this.#seen = new Uint32Array(size);
  }

  clear(): void {
    this.count = 0;
    this.#round++;
  }

  /** False when it has been here already, by a way that is preferred. */
  visit(place: number): boolean {
    if (this.#seen[place] === this.#round) return false;
    this.#seen[place] = this.#round;
    return true;
  }

  add(place: number, start: number): void {
    this.places[this.count] = place;
    this.starts[this.count++] = start;
  }
}

/**
 * Runs a program over text by all ways at once (Pike's machine): the time is the product of both lengths, whatever the
 * pattern, and of the matches it finds the one that a backtracking engine would find first.
 */
export class Matcher {
  readonly #program: readonly Instruction[];
  readonly #stack: number[] = [];
  #now: Threads;
  #next: Threads;

  constructor(program: readonly Instruction[]) {
    this.#program = program;
    this.#now = new Threads(program.length);
    this.#next = new Threads(program.length);
  }

  /** The first match that starts at `from` or later. `anyMatch`: whether there is one is all that counts. */
  find(text: string, from: number, anyMatch: boolean = false): Match | undefined {
    let found: Match | undefined;
    this.#now.clear();
    for (let at = from; ;) {
      if (found === undefined) this.#follow(this.#now, 0, at, { text, at });
      if (this.#now.count === 0 && (found !== undefined || this.#isAnchored)) break;
      const code = text.codePointAt(at);
      const after = at + (code !== undefined && code > 0xffff ? 2 : 1);
      found = this.#step(code, after, text, at) ?? found;
      if (code === undefined || (found !== undefined && anyMatch)) break;
      [this.#now, this.#next] = [this.#next, this.#now];
      at = after;
    }
    return found;
  }

  /** Nothing can start but at the start of the text. */
  get #isAnchored(): boolean {
    const [first] = this.#program;
    return first?.op === 'assertion' && first.assertion === 'text-start';
  }

  /** Moves all threads over one character; a match ends those that are less preferred. */
  #step(code: number | undefined, after: number, text: string, at: number): Match | undefined {
    const { places, starts, count } = this.#now;
    this.#next.clear();
    const there = { text, at: after };
    for (let i = 0; i < count; i++) {
      const place = places[i] ?? 0;
      const start = starts[i] ?? 0;
      const instruction = this.#program[place];
      if (instruction?.op === 'match') return { start, end: at };
      if (instruction?.op === 'set' && code !== undefined && instruction.set.has(code)) {
        this.#follow(this.#next, place + 1, start, there);
      }
    }
    return undefined;
  }

  /** Adds the places that can be reached from one without a character. */
  #follow(threads: Threads, from: number, start: number, here: Place): void {
    const stack = this.#stack;
    stack.push(from);
    for (let place = stack.pop(); place !== undefined; place = stack.pop()) {
      if (!threads.visit(place)) continue;
      const instruction = this.#program[place];
      if (instruction === undefined) continue;
      if (instruction.op === 'jump') stack.push(instruction.to);
      else if (instruction.op === 'split') stack.push(instruction.second, instruction.first);
      else if (instruction.op === 'assertion') {
        if (holds(instruction.assertion, here)) stack.push(place + 1);
      } else threads.add(place, start);
    }
  }
}

export interface Place {
  readonly text: string;
  readonly at: number;
}

const NEWLINE = 0x0a;

export function holds(assertion: Assertion, { text, at }: Place): boolean {
  switch (assertion) {
    case 'text-start':
      return at === 0;
    case 'text-end':
      return at >= text.length;
    case 'line-start':
      return at === 0 || text.charCodeAt(at - 1) === NEWLINE;
    case 'line-end':
      return at >= text.length || text.charCodeAt(at) === NEWLINE;
    case 'word-boundary':
      return isWord(text, at - 1) !== isWord(text, at);
    case 'no-word-boundary':
      return isWord(text, at - 1) === isWord(text, at);
  }
}

function isWord(text: string, at: number): boolean {
  return /[0-9A-Za-z_]/.test(text.charAt(at));
}
