import { createRequire } from 'node:module';
import type * as Koffi from 'koffi';

/** Calls that a file declares for itself, and the number of the error of the last one that failed. */
export interface CLibrary {
  readonly errno: () => number;
}

let loaded: typeof Koffi | undefined;

/** Loading costs 10 ms, so it happens at the first call; modules are per thread, and so is this. */
export function foreignFunctions(): typeof Koffi {
  loaded ??= createRequire(import.meta.url)('koffi') as typeof Koffi;
  return loaded;
}

/** Functions of the C library under names of one's own, as C declares them; looked up when they are first asked for. */
export function cLibrary<Calls extends CLibrary>(
  declarations: Readonly<Record<Exclude<keyof Calls, 'errno'>, string>>,
): () => Calls {
  let calls: Calls | undefined;
  return () => {
    if (calls !== undefined) return calls;
    const koffi = foreignFunctions();
    // The process itself: it has the C library, whichever that is, already loaded.
    const library = koffi.load(null);
    const functions = Object.entries<string>(declarations).map(([name, declaration]) => [
      name,
      library.func(declaration),
    ]);
    calls = { ...Object.fromEntries(functions), errno: () => koffi.errno() } as Calls;
    return calls;
  };
}
