import type { Clock } from '#base/clock.ts';

/** Below this nothing is shown: a line that flashes by is noise. */
const PATIENCE_MS = 400;

interface Terminal {
  readonly isTTY?: boolean | undefined;
  write(text: string): unknown;
}

/** One line on a terminal that says what is being waited for; silent in a pipe. */
export class Progress {
  readonly #terminal: Terminal;
  readonly #clock: Clock;
  readonly #active: boolean;
  #timer: Disposable | undefined;
  #text = '';
  #shown = false;

  constructor(terminal: Terminal, clock: Clock, wanted: boolean) {
    this.#terminal = terminal;
    this.#clock = clock;
    this.#active = wanted && terminal.isTTY === true;
  }

  show(text: string): void {
    if (!this.#active) return;
    this.#text = text;
    if (this.#shown) this.#draw();
    else this.#timer ??= this.#clock.after(PATIENCE_MS, () => this.#draw());
  }

  clear(): void {
    this.#timer?.[Symbol.dispose]();
    this.#timer = undefined;
    if (this.#shown) this.#terminal.write('\r\x1b[K');
    this.#shown = false;
  }

  #draw(): void {
    this.#shown = true;
    this.#terminal.write(`\r\x1b[K${this.#text} ...`);
  }
}
