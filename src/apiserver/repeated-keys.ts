import { type Document, isMap, isScalar, isSeq, type LineCounter } from 'yaml';

/** Keys that are twice in one map of YAML: `line 7: key "a" already set in map`. */
export function repeatedKeys(document: Pick<Document, 'contents'>, lines: LineCounter): readonly string[] {
  const found: string[] = [];
  // An anchor may make a circle of nodes.
  const seen = new Set<unknown>();
  const visit = (node: unknown): void => {
    if (seen.has(node)) return;
    seen.add(node);
    if (isSeq(node)) for (const item of node.items) visit(item);
    if (!isMap(node)) return;
    const keys = new Set<string>();
    for (const { key, value } of node.items) {
      if (isScalar(key)) {
        const name = String(key.value);
        const line = lines.linePos(key.range?.[0] ?? 0).line;
        if (keys.has(name)) found.push(`line ${line}: key ${JSON.stringify(name)} already set in map`);
        keys.add(name);
      }
      visit(value);
    }
  };
  visit(document.contents);
  return found;
}
