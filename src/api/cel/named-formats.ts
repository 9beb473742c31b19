import { formatProblem } from '../custom/formats.ts';
import { checkLabelValue, checkQualifiedName, label1035Name, labelName, subdomainName } from '../names.ts';
import type { NamedFormat } from './cel-value.ts';
import { isRequestUri } from './request-uri.ts';

function format(name: string, maxPattern: number, check: NamedFormat['check']): NamedFormat {
  return { name, maxPattern, check };
}

/** A format that says no more than that a text has it or not. */
function plain(name: string, maxPattern: number, isWrong: (text: string) => boolean, problem: string): NamedFormat {
  return format(name, maxPattern, (text) => (isWrong(text) ? [problem] : []));
}

/** What `format.named(name)` knows. */
export const FORMATS: ReadonlyMap<string, NamedFormat> = new Map([
  ['dns1123Label', format('DNS1123Label', 30, (text) => labelName(text, false))],
  ['dns1123Subdomain', format('DNS1123Subdomain', 60, (text) => subdomainName(text, false))],
  ['dns1035Label', format('DNS1035Label', 30, (text) => label1035Name(text, false))],
  ['qualifiedName', format('QualifiedName', 60, checkQualifiedName)],
  ['dns1123LabelPrefix', format('DNS1123LabelPrefix', 30, (text) => labelName(text, true))],
  ['dns1123SubdomainPrefix', format('DNS1123SubdomainPrefix', 60, (text) => subdomainName(text, true))],
  ['dns1035LabelPrefix', format('DNS1035LabelPrefix', 30, (text) => label1035Name(text, true))],
  ['labelValue', format('LabelValue', 40, checkLabelValue)],
  [
    'uri',
    format('URI', 600, (text) =>
      isRequestUri(text)
        ? []
        : [`parse ${JSON.stringify(text)}: ${text === '' ? 'empty url' : 'invalid URI for request'}`],
    ),
  ],
  ['uuid', plain('uuid', 70, (text) => formatProblem('uuid', text), 'does not match the UUID format')],
  ['byte', plain('byte', 80, (text) => formatProblem('byte', text), 'invalid base64')],
  ['date', plain('date', 80, (text) => formatProblem('date', text), 'invalid date')],
  ['datetime', plain('datetime', 80, (text) => formatProblem('date-time', text), 'invalid datetime')],
]);
