import { readdirSync, readFileSync } from 'node:fs';

/**
 * Whether a process and all its children do nothing but wait: none of their threads runs, or waits for the disk. What
 * cannot be read, as the children on a kernel without CONFIG_PROC_CHILDREN, is taken to be busy.
 */
export function isAtRest(pid: number): boolean {
  try {
    return readdirSync(`/proc/${pid}/task`).every((thread) => isThreadAtRest(`/proc/${pid}/task/${thread}`));
  } catch {
    return false;
  }
}

function isThreadAtRest(directory: string): boolean {
  const stat = readFileSync(`${directory}/stat`, 'utf8');
  if (stat.charAt(stat.lastIndexOf(')') + 2) !== 'S') return false;
  const children = readFileSync(`${directory}/children`, 'utf8').trim();
  return children === '' || children.split(' ').every((child) => isAtRest(Number(child)));
}
