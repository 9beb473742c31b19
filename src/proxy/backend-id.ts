/**
 * A number for a backend that no other backend has, now or later: what clients remember it by. Made of the address and
 * the port (FNV-1a), so that it is the same after a restart, and so that one which is gone means nobody. Where two of one
 * frontend fall together, the later one takes the next number.
 */
export function backendId(key: string, isTaken: (id: number) => boolean): number {
  let hash = 0x811c9dc5;
  for (let i = 0; i < key.length; i++) hash = Math.imul(hash ^ key.charCodeAt(i), 0x01000193);
  let id = hash >>> 0;
  // 0 is what a client without a backend has.
  while (id === 0 || isTaken(id)) id = (id + 1) >>> 0;
  return id;
}
