/**
 * Checks of names and labels. Each answers with the reasons why `value` is not valid, in the words that clients of the
 * API know; an empty list means that it is valid.
 */

const LABEL = '[a-z0-9]([-a-z0-9]*[a-z0-9])?';
const SUBDOMAIN = `${LABEL}(\\.${LABEL})*`;
const UNDERSCORE_LABEL = '_?[a-z0-9]([-_a-z0-9]*[a-z0-9])?';
const UNDERSCORE_SUBDOMAIN = `${UNDERSCORE_LABEL}(\\.${UNDERSCORE_LABEL})*`;
const LABEL_1035 = '[a-z]([-a-z0-9]*[a-z0-9])?';
const QUALIFIED = '([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9]';
const LABEL_VALUE = `(${QUALIFIED})?`;
const CONFIG_KEY = '[-._a-zA-Z0-9]+';
const WILDCARD = `\\*\\.${SUBDOMAIN}`;

const LABEL_RE = anchored(LABEL);
const SUBDOMAIN_RE = anchored(SUBDOMAIN);
const UNDERSCORE_SUBDOMAIN_RE = anchored(UNDERSCORE_SUBDOMAIN);
const LABEL_1035_RE = anchored(LABEL_1035);
const QUALIFIED_RE = anchored(QUALIFIED);
const LABEL_VALUE_RE = anchored(LABEL_VALUE);
const CONFIG_KEY_RE = anchored(CONFIG_KEY);
const WILDCARD_RE = anchored(WILDCARD);

const NONE: readonly string[] = Object.freeze([]);
const ALNUM = 'must start and end with an alphanumeric character';

function anchored(pattern: string): RegExp {
  return new RegExp(`^(?:${pattern})$`);
}

/** The rule in words, then examples and the expression in brackets. Two blanks before `or`: clients know it so. */
function regexMessage(rule: string, pattern: string, ...examples: readonly string[]): string {
  const shown = examples.map((example) => `'${example}', `).join(' or ');
  return `${rule} (${shown === '' ? '' : `e.g. ${shown}`}regex used for validation is '${pattern}')`;
}

export function maxLengthMessage(length: number): string {
  return `must be no more than ${length} characters`;
}

function checkName(value: string, max: number, pattern: RegExp, message: () => string): readonly string[] {
  const long = value.length > max;
  if (!long && pattern.test(value)) return NONE;
  return [...(long ? [maxLengthMessage(max)] : []), ...(pattern.test(value) ? [] : [message()])];
}

export function checkDns1123Label(value: string): readonly string[] {
  const rule = `a lowercase RFC 1123 label must consist of lower case alphanumeric characters or '-', and ${ALNUM}`;
  return checkName(value, 63, LABEL_RE, () =>
    SUBDOMAIN_RE.test(value) ? 'must not contain dots' : regexMessage(rule, LABEL, 'my-name', '123-abc'),
  );
}

export function checkDns1123Subdomain(value: string): readonly string[] {
  const rule = `a lowercase RFC 1123 subdomain must consist of lower case alphanumeric characters, '-' or '.', and ${ALNUM}`;
  return checkName(value, 253, SUBDOMAIN_RE, () => regexMessage(rule, SUBDOMAIN, 'example.com'));
}

/** Of search paths, as underscores are in SRV names. */
export function checkUnderscoreSubdomain(value: string): readonly string[] {
  const rule = `a lowercase RFC 1123 subdomain must consist of lower case alphanumeric characters, '_', '-' or '.', and ${ALNUM}`;
  return checkName(value, 253, UNDERSCORE_SUBDOMAIN_RE, () => regexMessage(rule, UNDERSCORE_SUBDOMAIN, 'example.com'));
}

export function checkDns1035Label(value: string): readonly string[] {
  const rule =
    "a DNS-1035 label must consist of lower case alphanumeric characters or '-', start with an alphabetic character, and end with an alphanumeric character";
  return checkName(value, 63, LABEL_1035_RE, () => regexMessage(rule, LABEL_1035, 'my-name', 'abc-123'));
}

export function checkWildcardSubdomain(value: string): readonly string[] {
  const rule =
    "a wildcard DNS-1123 subdomain must start with '*.', followed by a valid DNS subdomain, which must consist of lower case alphanumeric characters, '-' or '.' and end with an alphanumeric character";
  return checkName(value, 253, WILDCARD_RE, () => regexMessage(rule, WILDCARD, '*.example.com'));
}

const QUALIFIED_RULE = `must consist of alphanumeric characters, '-', '_' or '.', and ${ALNUM}`;

function qualifiedMessage(): string {
  return regexMessage(QUALIFIED_RULE, QUALIFIED, 'MyName', 'my.name', '123-abc');
}

/** `name` or `prefix/name`: keys of labels and annotations, finalizers. */
export function checkQualifiedName(value: string): readonly string[] {
  const parts = value.split('/');
  if (parts.length > 2) {
    return [
      `a qualified name ${qualifiedMessage()} with an optional DNS subdomain prefix and '/' (e.g. 'example.com/MyName')`,
    ];
  }
  const name = parts.at(-1) ?? '';
  const prefix = parts.length === 2 ? parts[0] : undefined;
  const reasons: string[] = [];
  if (prefix === '') reasons.push('prefix part must be non-empty');
  else if (prefix !== undefined) reasons.push(...checkDns1123Subdomain(prefix).map((text) => `prefix part ${text}`));
  if (name === '') reasons.push('name part must be non-empty');
  else if (name.length > 63) reasons.push(`name part ${maxLengthMessage(63)}`);
  if (!QUALIFIED_RE.test(name)) reasons.push(`name part ${qualifiedMessage()}`);
  return reasons;
}

export function checkLabelValue(value: string): readonly string[] {
  const rule = `a valid label must be an empty string or consist of alphanumeric characters, '-', '_' or '.', and ${ALNUM}`;
  return checkName(value, 63, LABEL_VALUE_RE, () => regexMessage(rule, LABEL_VALUE, 'MyValue', 'my_value', '12345'));
}

/** Keys of ConfigMaps and Secrets: file names, in the end. */
export function checkConfigKey(value: string): readonly string[] {
  const rule = "a valid config key must consist of alphanumeric characters, '-', '_' or '.'";
  const reasons = checkName(value, 253, CONFIG_KEY_RE, () =>
    regexMessage(rule, CONFIG_KEY, 'key.name', 'KEY_NAME', 'key-name'),
  );
  if (value === '.') return [...reasons, "must not be '.'"];
  if (value === '..') return [...reasons, "must not be '..'"];
  return value.startsWith('..') ? [...reasons, "must not start with '..'"] : reasons;
}

export function checkEnvName(value: string): readonly string[] {
  if (value === '') return ['environment variable name must be non-empty'];
  if (/^[ -<>-~]+$/.test(value)) return NONE;
  return ["a valid environment variable name must consist only of printable ASCII characters other than '='"];
}

/** The names of RFC 6335 that a port may have. */
export function checkPortName(value: string): readonly string[] {
  const reasons: string[] = [];
  if (value.length > 15) reasons.push(maxLengthMessage(15));
  if (!/^[-a-z0-9]+$/.test(value))
    reasons.push('must contain only alpha-numeric characters (a-z, 0-9), and hyphens (-)');
  if (!/[a-z]/.test(value)) reasons.push('must contain at least one letter (a-z)');
  if (value.includes('--')) reasons.push('must not contain consecutive hyphens');
  if (value.startsWith('-') || value.endsWith('-')) reasons.push('must not begin or end with a hyphen');
  return reasons;
}

function rangeMessage(low: number, high: number): string {
  return `must be between ${low} and ${high}, inclusive`;
}

export function checkPort(value: number): readonly string[] {
  return Number.isInteger(value) && value >= 1 && value <= 65535 ? NONE : [rangeMessage(1, 65535)];
}

/** A check of names; `prefix` is set for a `generateName`, which may end in what a whole name may not. */
export type NameCheck = (name: string, prefix: boolean) => readonly string[];

/** A prefix may end in a dash: a letter takes its place for the check, as the suffix will later. */
function maskTrailingDash(name: string): string {
  return name.length > 1 && name.endsWith('-') ? `${name.slice(0, -2)}a` : name;
}

export const subdomainName: NameCheck = (name, prefix) => checkDns1123Subdomain(prefix ? maskTrailingDash(name) : name);
export const labelName: NameCheck = (name, prefix) => checkDns1123Label(prefix ? maskTrailingDash(name) : name);
export const label1035Name: NameCheck = (name, prefix) => checkDns1035Label(prefix ? maskTrailingDash(name) : name);

/** Anything that is one segment of a path: roles may be called `system:node`. */
export const pathSegmentName: NameCheck = (name, prefix) => {
  if (!prefix && (name === '.' || name === '..')) return [`may not be '${name}'`];
  return ['/', '%'].filter((char) => name.includes(char)).map((char) => `may not contain '${char}'`);
};
