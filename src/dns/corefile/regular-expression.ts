import { corefileError, type Place } from './place.ts';

/** Go's classes by name, as JavaScript writes what is in them. */
const NAMED_CLASSES: Readonly<Record<string, string>> = {
  alnum: '0-9A-Za-z',
  alpha: 'A-Za-z',
  blank: String.raw`\t `,
  digit: '0-9',
  lower: 'a-z',
  punct: String.raw`!-\/:-@[-\`{-~`,
  space: String.raw`\t\n\v\f\r `,
  upper: 'A-Z',
  word: '0-9A-Za-z_',
  xdigit: '0-9A-Fa-f',
};

/** What Go has not, and JavaScript takes for something else: looking around, groups again, and forms of Go's own. */
const OTHERWISE = /\\(?:\\|([1-9QECpP])|.)|(\(\?<?[=!])|(\(\?[a-zA-Z]*-?[a-zA-Z]*[:)])/g;

/** What CoreDNS writes as one of Go's regular expressions. The few forms that JavaScript writes otherwise are turned into its own. */
export function regularExpression(place: Place, text: string): RegExp {
  const insensitive = text.startsWith('(?i)');
  const source = insensitive ? text.slice('(?i)'.length) : text;
  for (const [whole, escape, around, flags] of source.matchAll(OTHERWISE)) {
    if (escape === undefined && around === undefined && (flags === undefined || flags === '(?:')) continue;
    throw corefileError(place, `"${text}" is no regular expression here: "${whole}" is not supported`);
  }
  const ours = source
    .replaceAll('(?P<', '(?<')
    .replaceAll(/\\(?:(A)|(z)|.)/g, (whole, begin, end) => (begin ? '^' : end ? '$' : whole))
    .replaceAll(/\[:(\w+):\]/g, (whole, name: string) => NAMED_CLASSES[name] ?? whole);
  try {
    return new RegExp(ours, insensitive ? 'i' : '');
  } catch (error) {
    throw corefileError(place, `"${text}" is no regular expression: ${(error as Error).message}`);
  }
}
