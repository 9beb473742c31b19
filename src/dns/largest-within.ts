/**
 * Of the messages with 0 to `all` records, which grow with them, the largest of at most `room` bytes; that without any where
 * even it has more. Found by halves: names outside may have thousands of records, and each message is written anew.
 */
export function largestWithin(all: number, room: number, encode: (records: number) => Buffer): Buffer {
  const whole = encode(all);
  if (whole.length <= room || all === 0) return whole;
  let best = encode(0);
  let [fits, over] = [0, all];
  while (over - fits > 1) {
    const middle = (fits + over) >> 1;
    const out = encode(middle);
    if (out.length > room) over = middle;
    else [best, fits] = [out, middle];
  }
  return best;
}
