/**
 * A domain name as it is on the wire, in lower case, one character a byte: each label with its length before it, and a
 * zero at the end. A name is found by this form, so that no query has to be turned into text.
 */
export type WireName = string;

const MAX_LABEL = 63;
const MAX_NAME = 255;
/** RFC 4343: only these letters have a case; the other bytes are themselves. */
const UPPER = /[A-Z]/;

/** Of text without escapes, with or without the dot at the end; undefined for what cannot be a name. */
export function wireName(text: string): WireName | undefined {
  const labels = text.replace(/\.$/, '').split('.');
  if (labels.length === 1 && labels[0] === '') return '\0';
  if (labels.some((label) => label === '' || label.length > MAX_LABEL)) return undefined;
  const name = `${labels.map(wireLabel).join('')}\0`;
  return name.length > MAX_NAME ? undefined : name;
}

export function wireLabel(text: string): string {
  const lower = UPPER.test(text) ? text.replaceAll(/[A-Z]+/g, (letters) => letters.toLowerCase()) : text;
  return String.fromCharCode(text.length) + lower;
}

/** From the first label on; the end is not one of them. */
export function labelsOf(name: WireName): string[] {
  const labels: string[] = [];
  for (let at = 0; ;) {
    const length = name.charCodeAt(at);
    if (!(length > 0)) return labels;
    labels.push(name.slice(at + 1, at + 1 + length));
    at += 1 + length;
  }
}

/** With the dots and bytes inside of labels escaped (RFC 1035 5.1); no dot at the end, the root is `.`. */
export function nameText(name: WireName): string {
  const labels = labelsOf(name).map((label) =>
    label.replaceAll(/[.\\]|[^!-~]/g, (character) =>
      character === '.' || character === '\\'
        ? `\\${character}`
        : `\\${String(character.charCodeAt(0)).padStart(3, '0')}`,
    ),
  );
  return labels.length === 0 ? '.' : labels.join('.');
}

/** What stands before `suffix` in `name`, which is not just text that happens to end the same. */
export function trimSuffix(name: WireName, suffix: WireName): string | undefined {
  const start = name.length - suffix.length;
  if (start < 0 || !name.endsWith(suffix)) return undefined;
  let at = 0;
  while (at < start) at += 1 + name.charCodeAt(at);
  return at === start ? name.slice(0, start) : undefined;
}

/** Whether it is `zone` or below it. */
export function isBelow(name: WireName, zone: WireName): boolean {
  return zone === '\0' || trimSuffix(name, zone) !== undefined;
}
