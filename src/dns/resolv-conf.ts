/** The servers that a resolv.conf(5) names, without those that would lead back to ourselves. */
export function nameserversOf(text: string, own: readonly string[] = []): readonly string[] {
  return text
    .split('\n')
    .flatMap((line) => /^\s*nameserver\s+(\S+)/.exec(line)?.[1] ?? [])
    .filter((server) => !own.includes(server));
}

/** The last `search` or `domain` line counts. */
export function searchOf(text: string): readonly string[] {
  const lines = text.split('\n').flatMap((line) => /^\s*(?:search|domain)\s+(.+)$/.exec(line)?.[1] ?? []);
  return lines.at(-1)?.trim().split(/\s+/) ?? [];
}
