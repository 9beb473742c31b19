/** What processes used, at one moment. */
export interface Usage {
  /** Of all of them together since the first began. */
  readonly cpuNanoseconds: number;
  readonly memoryBytes: number;
  /** Without what the kernel could drop at any time. */
  readonly workingSetBytes: number;
  /** What is in no file. */
  readonly rssBytes: number;
  readonly processes: number;
}

/** `key value` lines, as in memory.stat, memory.events and cpu.stat. */
export function parseKeyedNumbers(text: string): ReadonlyMap<string, number> {
  return new Map(
    text.split('\n').flatMap((line) => {
      const [key, value] = line.split(' ');
      return key === undefined || value === undefined ? [] : [[key, Number(value)] as const];
    }),
  );
}
