import { PatternError } from '#api/re2/pattern-error.ts';
import { Re2 } from '#api/re2/regexp.ts';
import { corefileError, type Place } from './place.ts';

/** What CoreDNS takes for one of Go's regular expressions, which whoever asks for names cannot make slow. */
export function regularExpression(place: Place, text: string): Re2 {
  try {
    return new Re2(text);
  } catch (error) {
    if (!(error instanceof PatternError)) throw error;
    throw corefileError(place, `"${text}" is no regular expression: ${error.message}`);
  }
}
